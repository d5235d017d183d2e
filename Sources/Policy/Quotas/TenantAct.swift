package import Bytes
internal import JSON

/// What an operator has done about a tenant and still holds: kept in the store, in force on every gateway of the domain.
///
/// Text from outside is bounded: what is longer is no act.
package struct TenantAct: Sendable, Equatable {
    package enum Kind: String, CaseIterable, Sendable {
        /// All calls are refused, and those that run are ended.
        case block
        /// Another count in the place of the configured one.
        case override
        /// So many hits more.
        case grant
        /// The count has begun anew: what gateways remember of it is forgotten.
        case reset
    }

    package var kind: Kind
    package var tenant: String
    /// Of the tenant's tokens; empty for any.
    package var issuer: String
    /// `PLACE/NAME`; empty for a block.
    package var limit: String
    package var count: UInt64
    /// Of an override of a token bucket; 0 where none was given.
    package var burst: UInt64
    /// In seconds of wall time.
    package var since: Int64
    /// The first second in which it no longer holds; 0 for never.
    package var until: Int64
    /// Who did it, as the audit log has it.
    package var by: String
    package var reason: String
    /// Tells grants and resets of one limit apart; else empty.
    package var id: String
    /// Of a reset: values of what the limit counts by beside the tenant.
    package var keys: [String: String] = [:]

    package static let nameBytesMax = 256
    package static let byBytesMax = 64
    package static let reasonBytesMax = 128
    package static let idBytesMax = 64
    package static let keysMax = 8
    /// Of field and value together.
    package static let bytesMax = 900
    package static let countMax: UInt64 = 10_000_000_000
    /// In the year 2223.
    package static let secondMax: Int64 = 8_000_000_000

    package init(
        _ kind: Kind, tenant: String, issuer: String = "", limit: String = "", count: UInt64 = 0, burst: UInt64 = 0, since: Int64,
        until: Int64 = 0, by: String = "", reason: String = "", id: String = ""
    ) {
        self.kind = kind
        self.tenant = tenant
        self.issuer = issuer
        self.limit = limit
        self.count = count
        self.burst = burst
        self.since = since
        self.until = until
        self.by = by
        self.reason = reason
        self.id = id
    }

    package func holds(at second: Int64) -> Bool { until == 0 || second < until }

    /// Its place in the list: another act of the same place takes its place.
    package var field: String {
        ([kind.rawValue, tenant, issuer, limit] + (id.isEmpty ? [] : [id])).map(FieldText.escaped).joined(separator: ":")
    }

    // MARK: As text

    /// One JSON object.
    package func write(to buffer: inout ByteBuffer) {
        var json = JSONWriter()
        json.beginObject(&buffer)
        for (name, text) in [
            ("kind", kind.rawValue), ("tenant", tenant), ("issuer", issuer), ("limit", limit), ("by", by), ("reason", reason),
            ("id", id),
        ] where !text.isEmpty {
            json.key(name, &buffer)
            json.string(text, &buffer)
        }
        for (name, number) in [
            ("count", Int64(clamping: count)), ("burst", Int64(clamping: burst)), ("since", since), ("until", until),
        ] where number != 0 {
            json.key(name, &buffer)
            json.number(number, &buffer)
        }
        if !keys.isEmpty {
            json.key("keys", &buffer)
            json.beginObject(&buffer)
            for (name, value) in keys.sorted(by: { $0.key < $1.key }) {
                json.key(name, &buffer)
                json.string(value, &buffer)
            }
            json.endObject(&buffer)
        }
        json.endObject(&buffer)
    }

    package var text: String {
        var buffer = ByteBuffer(capacity: 512)
        write(to: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    /// `nil` for what no gateway has written: of another kind, incomplete or too long.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let value = try? JSONValue.parse(bytes, limits: JSONLimits(bytesMax: Self.bytesMax, depthMax: 2)),
            value.kind == .object
        else { return nil }
        func text(_ name: StaticString, _ bytesMax: Int = Self.nameBytesMax) -> String? {
            guard let member = value[name] else { return "" }
            guard let text = member.string, text.utf8.count <= bytesMax else { return nil }
            return text
        }
        func number(_ name: StaticString, _ range: ClosedRange<Int64>) -> Int64? {
            guard let member = value[name] else { return 0 }
            return member.floor?.exactly(in: range)
        }
        guard let kind = text("kind").flatMap(Kind.init), let tenant = text("tenant"), let issuer = text("issuer"),
            let limit = text("limit"), let by = text("by", Self.byBytesMax), let reason = text("reason", Self.reasonBytesMax),
            let id = text("id", Self.idBytesMax), let count = number("count", 0...Int64(Self.countMax)),
            let burst = number("burst", 0...Int64(Self.countMax)), let since = number("since", 0...Self.secondMax),
            let until = number("until", 0...Self.secondMax), !tenant.isEmpty, (kind == .block) == limit.isEmpty
        else { return nil }
        var keys: [String: String] = [:]
        if let members = value["keys"] {
            guard members.kind == .object, members.count <= Self.keysMax else { return nil }
            for (name, value) in members.members {
                guard let name = name.string, let value = value.string else { return nil }
                keys[name] = value
            }
        }
        self.init(
            kind, tenant: tenant, issuer: issuer, limit: limit, count: UInt64(count), burst: UInt64(burst), since: since,
            until: until,
            by: by, reason: reason, id: id)
        self.keys = keys
    }
}
