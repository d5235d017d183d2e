package import Bytes

/// A comma-separated field value, member by member (RFC 9110, section 5.6.1), without quoted strings.
package struct ListMembers {
    private let bytes: BorrowedBytes
    private var offset = 0

    package init(_ bytes: BorrowedBytes) { self.bytes = bytes }

    /// The next member without the whitespace around it; empty ones are skipped.
    package mutating func next() -> BorrowedBytes? {
        while offset < bytes.count {
            var from = offset
            var to = offset
            while to < bytes.count, bytes[to] != UInt8(ascii: ",") { to += 1 }
            offset = to + 1
            while from < to, bytes[from] == 0x20 || bytes[from] == 0x09 { from += 1 }
            while to > from, bytes[to - 1] == 0x20 || bytes[to - 1] == 0x09 { to -= 1 }
            if from < to { return BorrowedBytes(rebasing: bytes[from..<to]) }
        }
        return nil
    }
}
