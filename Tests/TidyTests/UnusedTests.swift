import Testing

@Suite("Nothing is left over")
struct UnusedTests {
    /// Called by the standard library and by ArgumentParser.
    static let witnesses: Set<String> = ["callAsFunction", "debugDescription", "customMirror", "validate", "allValueStrings"]
    /// Of codecs and connections, whose tests look at one half of what the program does in two.
    static let halves: Set<String> = ["responseHead", "isServing"]

    @Test("a function or property that only tests use says so: For tests")
    func unused() {
        var occurrences: [Substring: Int] = [:]
        var declarations: [Substring: [(file: Checkout.File, line: Int)]] = [:]
        for file in Checkout.files(of: "Sources") where file.path.hasSuffix(".swift") {
            for (number, line) in file.lines.enumerated() {
                var before: Substring = ""
                for word in Self.words(line) {
                    occurrences[word, default: 0] += 1
                    if !file.isGenerated, before == "func" || before == "var" {
                        declarations[word, default: []].append((file, number))
                    }
                    before = word
                }
            }
        }
        #expect(occurrences.count > 1000)
        for (name, places) in declarations where occurrences[name]! <= places.count {
            if Self.witnesses.contains(String(name)) || Self.halves.contains(String(name)) { continue }
            for (file, line) in places where !Self.isForTests(file.lines, line) {
                Issue.record("\(file.path):\(line + 1): nothing uses \(name)")
            }
        }
    }

    /// The comment above says it.
    static func isForTests(_ lines: [String], _ line: Int) -> Bool {
        let comment = lines[..<line].reversed().prefix { $0.drop { $0 == " " }.hasPrefix("//") }
        return comment.contains { $0.contains("For tests") }
    }

    /// Names, without those of comments.
    static func words(_ line: String) -> [Substring] {
        let bytes = line.utf8
        var words: [Substring] = []
        var start: String.Index?
        var last: UInt8 = 0
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "/"), last == byte { break }
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"):
                start = start ?? index
            default:
                if let begun = start { words.append(line[begun..<index]) }
                start = nil
            }
            last = byte
            index = bytes.index(after: index)
        }
        if let start { words.append(line[start..<bytes.endIndex]) }
        return words
    }

    @Test("words are found in code, and not in comments")
    func wordsAreFound() {
        #expect(Self.words("    var a1 = `b`.c_d // e") == ["var", "a1", "b", "c_d"] && Self.words("/// a") == [])
        #expect(
            Self.isForTests(["    /// A.", "    /// For tests.", "    var a"], 2)
                && !Self.isForTests(["/// For tests.", "", "var a"], 2))
    }
}
