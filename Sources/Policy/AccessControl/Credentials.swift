package import Bytes
package import HTTPModel

/// What a head says in Authorization, judged once (RFC 9110, section 11.6.2; RFC 6750, section 2.1).
///
/// Authorization is one field with one value, no list. A server behind the gateway may read the second of two fields, a member
/// of a list, or a token behind a tab: so whatever could be read as a bearer token is one, or is refused.
package enum Credentials {
    case none
    /// Of a scheme that is the upstream's to judge.
    case otherScheme
    /// What stands behind the scheme, empty where nothing does.
    case bearer(BorrowedBytes)
    /// Two fields, or a bearer token where none may stand.
    case ambiguous

    package init(_ fields: FieldBlock, headCount: Int) {
        var found: BorrowedBytes?
        for index in 0..<min(headCount, fields.count) where fields.fields[index].token == .authorization {
            guard found == nil else { self = .ambiguous; return }
            found = fields.fields[index].valueBytes
        }
        guard let value = found else { self = .none; return }
        self.init(value)
    }

    init(_ value: BorrowedBytes) {
        var start = 0
        while start < value.count, Self.isSpace(value[start]) { start += 1 }
        var end = start
        while end < value.count, HTTPGrammar.isToken(value[end]) { end += 1 }
        guard start < value.count else { self = .none; return }
        guard HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: value[start..<end]), "bearer") else {
            self = Self.namesBearer(value) ? .ambiguous : .otherScheme
            return
        }
        while end < value.count, Self.isSpace(value[end]) { end += 1 }
        self = .bearer(BorrowedBytes(rebasing: value[end...]))
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether the scheme stands anywhere as a word: behind a comma, a semicolon, a blank, a quote.
    private static func namesBearer(_ value: BorrowedBytes) -> Bool {
        var start = 0
        while start < value.count {
            var end = start
            while end < value.count, isLetterOrDigit(value[end]) { end += 1 }
            if HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: value[start..<end]), "bearer") { return true }
            start = max(end, start + 1)
        }
        return false
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 }
}
