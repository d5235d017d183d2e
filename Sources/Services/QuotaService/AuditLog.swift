internal import Bytes
internal import JSON
package import Quotas

/// Every change of what holds for tenants, one JSON object a line, written before the change is answered.
package final class AuditLog {
    /// What changes are told as.
    struct Entry {
        var time: String
        var action: String
        var by: String
        var tenant: String
        var issuer: String
        var limit: String
        var reason: String
        var act: TenantAct?
        var former: [TenantAct]
        var version: UInt64
        var scope: String
    }

    private let write: (String) -> Bool

    /// - Parameter write: a line; false where it could not be written.
    package init(_ write: @escaping (String) -> Bool) { self.write = write }

    /// False where it could not be written.
    func record(_ entry: Entry) -> Bool {
        var text = ByteBuffer(capacity: 512)
        var json = JSONWriter()
        json.beginObject(&text)
        for (name, value) in [
            ("time", entry.time), ("action", entry.action), ("by", entry.by), ("tenant", entry.tenant), ("issuer", entry.issuer),
            ("limit", entry.limit), ("reason", entry.reason),
        ] where !value.isEmpty {
            json.key(name, &text)
            json.string(value, &text)
        }
        if let act = entry.act { Self.write([act], "new", &json, &text) }
        Self.write(entry.former, "old", &json, &text)
        json.key("version", &text)
        json.number(entry.version, &text)
        json.key("scope", &text)
        json.string(entry.scope, &text)
        json.endObject(&text)
        return write(String(decoding: text.readable, as: UTF8.self))
    }

    private static func write(_ acts: [TenantAct], _ name: StaticString, _ json: inout JSONWriter, _ text: inout ByteBuffer) {
        json.key(name, &text)
        json.beginArray(&text)
        for act in acts {
            json.beginObject(&text)
            json.key("kind", &text)
            json.string(act.kind.rawValue, &text)
            for (name, number) in [("count", act.count), ("burst", act.burst)] where number > 0 {
                json.key(name, &text)
                json.number(number, &text)
            }
            for (name, second) in [("since", act.since), ("until", act.until)] where second > 0 {
                json.key(name, &text)
                json.string(TimeWords.text(second), &text)
            }
            if !act.by.isEmpty {
                json.key("by", &text)
                json.string(act.by, &text)
            }
            json.endObject(&text)
        }
        json.endArray(&text)
    }
}
