internal import CRE2

/// A regular expression in RE2's syntax, compiled once; workers share it.
///
/// It takes a text whole or not at all, as Envoy's do, in time linear in the text, whatever the expression: there is no
/// backtracking, and so neither backreferences nor look-around. Texts are UTF-8; `.` and classes take no malformed byte.
/// Equal to another of the same text.
package final class RegularExpression: @unchecked Sendable {
    /// Of the text as written.
    package static var bytesMax: Int { 4096 }
    /// For the program and the automaton that matching builds of it: room for the program of a text of `bytesMax`. Where the
    /// automaton would grow beyond that RE2 begins it anew, or goes on without one.
    static var memoryBytesMax: Int64 { 512 << 10 }

    package let text: String
    let handle: OpaquePointer

    package enum Mistake: Error, Equatable {
        case tooLong
        /// In RE2's own words.
        case malformed(String)

        /// What a configuration message says was expected.
        package var expected: String {
            switch self {
            case .tooLong: "a regular expression of at most \(RegularExpression.bytesMax) bytes"
            case .malformed(let why): "a regular expression in RE2's syntax: \(why)"
            }
        }
    }

    package init(_ text: String) throws(Mistake) {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        let compiled = Self.compile(text)
        guard let handle = compiled.handle else { throw .malformed(compiled.error) }
        self.text = text
        self.handle = handle
    }

    deinit { cre2_free(handle) }

    private static func compile(_ text: String) -> (handle: OpaquePointer?, error: String) {
        var text = text
        return text.withUTF8 { bytes in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { error in
                error[0] = 0
                let handle = bytes.withMemoryRebound(to: CChar.self) {
                    cre2_compile($0.baseAddress, $0.count, memoryBytesMax, error.baseAddress, error.count)
                }
                return (handle, String(cString: error.baseAddress.unsafelyUnwrapped))
            }
        }
    }

    /// Its capturing groups, named or not; the whole text is not counted.
    package var groupCount: Int { Int(cre2_groups(handle)) }

    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { Self.matches(handle, UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    static func matches(_ handle: OpaquePointer, _ text: UnsafeRawBufferPointer) -> Bool {
        cre2_matches(handle, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count) != 0
    }

    /// Calls `body` with what the groups of a text that matches took, each of which may be nothing, by one match; false where the text
    /// does not match.
    ///
    /// - Parameter last: of the groups that are asked for, from 0, which is the whole text, to 9.
    package func withGroups(
        of text: UnsafeRawBufferPointer, through last: Int, _ body: ((_ group: Int) -> UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        guard (0...9).contains(last) else { return false }
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: 20) { places in
            let start = text.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard let starts = places.baseAddress,
                cre2_match_groups(handle, start, text.count, starts, starts + 10, Int32(last) + 1) != 0
            else { return false }
            body { group in
                let (from, to) = (Int(places[group]), Int(places[10 + group]))
                return from < 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : UnsafeRawBufferPointer(rebasing: text[from..<to])
            }
            return true
        }
    }

    /// Between which texts all that match lie, by their bytes; `nil` where RE2 knows nothing of it.
    private var range: (lowest: [UInt8], highest: [UInt8])? {
        let capacity = 64
        var lowest = [CChar](repeating: 0, count: capacity)
        var highest = lowest
        var counts = (lowest: 0, highest: 0)
        guard cre2_range(handle, &lowest, &counts.lowest, &highest, &counts.highest, capacity) != 0 else { return nil }
        return (lowest[..<counts.lowest].map(UInt8.init(bitPattern:)), highest[..<counts.highest].map(UInt8.init(bitPattern:)))
    }

    /// What all texts that match begin with, as far as RE2 knows and it is ASCII.
    package var commonPrefix: String {
        guard let range else { return "" }
        // ASCII: two characters may have their first byte in common.
        let common = zip(range.lowest, range.highest).prefix { $0 == $1 && $0 < 0x80 }.map(\.0)
        return String(decoding: common, as: UTF8.self)
    }

    /// What a text need only begin with to match: `/a.B/` of `^/a\.B/.*$`; `nil` where more is asked.
    ///
    /// Of texts in one line, as paths are; by how it is written, so that not every such expression is known.
    package var sufficientPrefix: String? {
        var rest = Substring(text)
        if rest.hasPrefix("^") { rest.removeFirst() }
        if rest.hasSuffix("$"), !rest.hasSuffix("\\$") { rest.removeLast() }
        guard let tail = [".*", "(.*)", "(?:.*)", ".*?", "(.*?)"].first(where: rest.hasSuffix) else { return nil }
        rest.removeLast(tail.count)
        var prefix = ""
        while let character = rest.popFirst() {
            guard character == "\\" else {
                if "^$.*+?()[]{}|".contains(character) { return nil }
                prefix.append(character)
                continue
            }
            guard let escaped = rest.popFirst(), escaped.isASCII, !escaped.isLetter, !escaped.isNumber else { return nil }
            prefix.append(escaped)
        }
        return prefix
    }

    /// Whether some text that begins so may match.
    package func mayMatch(beginningWith prefix: String) -> Bool {
        guard let range else { return true }
        let prefix = Array(prefix.utf8)
        return !range.highest.lexicographicallyPrecedes(prefix)
            && (range.lowest.starts(with: prefix) || range.lowest.lexicographicallyPrecedes(prefix))
    }
}

extension RegularExpression: Hashable {
    package static func == (left: RegularExpression, right: RegularExpression) -> Bool { left.text == right.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
