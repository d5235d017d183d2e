/// What usage is summed by.
package struct UsageKey: Hashable, Sendable {
    package var tenant: String
    package var issuer: String
    /// `PLACE/NAME`
    package var limit: String

    package init(tenant: String, issuer: String, limit: String) {
        self.tenant = tenant
        self.issuer = issuer
        self.limit = limit
    }

    /// Beyond, a name is not summed up.
    package var isKept: Bool { [tenant, issuer, limit].allSatisfy { $0.utf8.count <= TenantAct.nameBytesMax } && !tenant.isEmpty }

    /// Its field in a store's hash.
    package var field: String { [tenant, issuer, limit].map(FieldText.escaped).joined(separator: ":") }

    /// `nil` for what is no such field.
    package init?(field: String) {
        let parts = field.split(separator: ":", omittingEmptySubsequences: false).map(FieldText.unescaped)
        guard parts.count == 3, let tenant = parts[0], let issuer = parts[1], let limit = parts[2], !tenant.isEmpty else {
            return nil
        }
        self.init(tenant: tenant, issuer: issuer, limit: limit)
    }
}

/// Names as parts of fields in a store: every byte but `A–Z a–z 0–9 - _ . / @` is written as %XX.
enum FieldText {
    static func escaped(_ part: String) -> String {
        var text = ""
        for byte in part.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f, 0x40, 0x5f:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += byte < 16 ? "%0\(String(byte, radix: 16))" : "%\(String(byte, radix: 16))"
            }
        }
        return text
    }

    static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
