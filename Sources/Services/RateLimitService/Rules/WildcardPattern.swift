internal import Glibc

/// A rule's value with `*` in it, each standing for any bytes, none included.
struct WildcardPattern: Equatable, Sendable {
    /// What stands between the asterisks; the first must begin the text and the last must end it.
    private let parts: [[UInt8]]

    /// `nil` for a value without an asterisk.
    init?(_ value: [UInt8]) {
        guard value.contains(UInt8(ascii: "*")) else { return nil }
        parts = value.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// Takes the leftmost place for every part, which never rules out a fit: no going back.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        let first = parts[0], last = parts[parts.count - 1]
        guard text.count >= first.count + last.count, text.starts(with: first),
            UnsafeRawBufferPointer(rebasing: text[(text.count - last.count)...]).elementsEqual(last)
        else { return false }
        var position = first.count
        let end = text.count - last.count
        for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
            guard let found = Self.find(part, in: text, from: position, to: end) else { return false }
            position = found + part.count
        }
        return true
    }

    private static func find(
        _ part: [UInt8], in text: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) -> Int? {
        var position = start
        while position + part.count <= end {
            let rest = end - part.count + 1 - position
            guard let first = memchr(text.baseAddress! + position, Int32(part[0]), rest) else { return nil }
            position = UnsafeRawPointer(first) - text.baseAddress!
            if memcmp(first, part, part.count) == 0 { return position }
            position += 1
        }
        return nil
    }
}
