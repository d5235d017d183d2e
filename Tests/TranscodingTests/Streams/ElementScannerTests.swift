import Testing

@testable import Transcoding

@Suite("Finding the values of a stream")
struct ElementScannerTests {
    /// The values of a text that comes in chunks of a size.
    static func values(_ text: String, chunkBytes: Int) throws -> [String] {
        var scanner = ElementScanner()
        var values: [String] = []
        var begun: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(chunkBytes))
            rest = rest.dropFirst(chunk.count)
            scanner.beginChunk()
            try chunk.withUnsafeBytes { bytes in
                while true {
                    switch try scanner.next(bytes) {
                    case .element(let start, let end):
                        values.append(String(decoding: begun + bytes[start..<end], as: UTF8.self))
                        begun = []
                        continue
                    case .unfinished(let start): begun += bytes[start...]
                    case .nothing: break
                    }
                    return
                }
            }
        }
        if try scanner.finish() { values.append(String(decoding: begun, as: UTF8.self)) }
        return values
    }

    @Test(
        "values are the same, whatever the chunks",
        arguments: [
            ("", []), ("[]", []), (" [ ] ", []), ("\n\n", []), (#"{"a":1}"#, [#"{"a":1}"#]),
            ("{\"a\":\"}\\\"\"}\n{\"b\":[1,2]}\r\n\n{}", [#"{"a":"}\""}"#, #"{"b":[1,2]}"#, "{}"]),
            (#"[{"a":[]} , {"b":"]€"},1,"x\\", null]"#, [#"{"a":[]}"#, #"{"b":"]€"}"#, "1", #""x\\""#, "null"]),
            ("1\n2\n\"a\"\n3", ["1", "2", "\"a\"", "3"]), ("{}{}", ["{}", "{}"]), ("[[1],[2,[3]]]", ["[1]", "[2,[3]]"]),
        ])
    func values(text: String, expected: [String]) throws {
        for size in 1...max(text.utf8.count, 1) {
            #expect(try Self.values(text, chunkBytes: size) == expected, "\(size) bytes a chunk")
        }
    }

    @Test(
        "what is no stream of values is refused, whatever the chunks",
        arguments: [
            "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1] x", "{}, {}", "{", "\"a", "}", "[}", ":",
        ])
    func refusals(text: String) {
        for size in 1...text.utf8.count { #expect(throws: Problem.self) { try Self.values(text, chunkBytes: size) } }
    }
}
