package import Bridging
package import Bytes
internal import HTTPModel

/// Which answers of plain HTTP are compressed, made ready.
package final class GzipPolicy: Sendable {
    private struct Pattern: Sendable {
        let head: [UInt8]
        let tail: [UInt8]?
    }

    private let patterns: [Pattern]
    package let bytesMin: Int
    package let includesCredentials: Bool

    package init(_ gzip: GzipConfiguration) {
        patterns = gzip.contentTypes.map { Pattern(head: Array($0.head.utf8), tail: $0.tail.map { Array($0.utf8) }) }
        bytesMin = gzip.bytesMin
        includesCredentials = gzip.includesCredentials
    }

    /// - Parameter value: of `content-type`, with its parameters.
    package func takes(contentType value: BorrowedBytes) -> Bool {
        let end = value.firstIndex { $0 == UInt8(ascii: ";") || $0 == 0x20 || $0 == 0x09 } ?? value.count
        let type = BorrowedBytes(rebasing: value[..<end])
        // What is to be there at once, whatever a pattern takes, and what compresses its messages itself.
        if HTTPGrammar.equalsIgnoringCase(type, "text/event-stream") || Self.begins(type, with: "application/grpc")
            || Self.begins(type, with: "application/connect+")
        {
            return false
        }
        return patterns.contains { pattern in
            guard let tail = pattern.tail else { return type.count == pattern.head.count && Self.begins(type, with: pattern.head) }
            return type.count > pattern.head.count + tail.count && Self.begins(type, with: pattern.head)
                && Self.begins(BorrowedBytes(rebasing: type.suffix(tail.count)), with: tail)
        }
    }

    private static func begins(_ type: BorrowedBytes, with head: StaticString) -> Bool {
        let count = head.utf8CodeUnitCount
        return type.count >= count && HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: type[..<count]), head)
    }

    private static func begins(_ type: BorrowedBytes, with head: [UInt8]) -> Bool {
        guard type.count >= head.count else { return false }
        return head.withUnsafeBytes { HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: type[..<head.count]), $0) }
    }
}
