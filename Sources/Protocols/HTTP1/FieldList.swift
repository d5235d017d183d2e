package import HTTPModel

/// A comma-separated field value, member by member (RFC 9110, section 5.6.1), without quoted strings: for Connection and
/// Transfer-Encoding.
struct FieldList {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next member without the whitespace around it; empty ones are skipped.
    mutating func next() -> UnsafeRawBufferPointer? {
        while offset < bytes.count {
            var from = offset
            var to = offset
            while to < bytes.count, bytes[to] != UInt8(ascii: ",") { to += 1 }
            offset = to + 1
            while from < to, bytes[from] == 0x20 || bytes[from] == 0x09 { from += 1 }
            while to > from, bytes[to - 1] == 0x20 || bytes[to - 1] == 0x09 { to -= 1 }
            if from < to { return bytes.part(from..<to) }
        }
        return nil
    }
}

extension FieldBlock {
    /// Whether a Connection field names `name` (lower case): such a field is for this hop only and is not forwarded
    /// (RFC 9110, section 7.6.1).
    package func connectionNominates(_ name: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<count where fields[index].token == .connection {
            var members = FieldList(fields[index].valueBytes)
            while let member = members.next() {
                if HTTPGrammar.equalsIgnoringCase(member, name) { return true }
            }
        }
        return false
    }
}
