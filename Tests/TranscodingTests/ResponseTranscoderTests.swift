import Bytes
import Testing

@testable import Transcoding

@Suite("Answers as JSON")
struct ResponseTranscoderTests {
    static let bookA: [UInt8] = [0x12, 1, 0x61]
    static let bookB: [UInt8] = [0x12, 1, 0x62]

    static func framed(_ messages: [[UInt8]]) -> [UInt8] {
        messages.flatMap { [0, 0, 0, UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
    }

    /// The body that frames become, fed in chunks.
    static func answer(
        _ method: String, _ path: String, _ form: ResponseForm, _ frames: [UInt8], chunkBytes: Int = .max,
        plan: TranscodingPlan = kindsPlan,
        end: (ResponseTranscoder, inout ByteBuffer) throws -> Void = { try $0.finish(into: &$1) }
    ) throws -> (body: String, contentType: String) {
        let match = BindingMatch()
        let outcome = Array(path.utf8).withUnsafeBytes { path in
            Array(method.utf8).withUnsafeBytes {
                plan.match(method: $0, path: path, query: UnsafeRawBufferPointer(start: nil, count: 0), into: match)
            }
        }
        #expect(outcome == .found)
        let transcoder = ResponseTranscoder(plan: plan)
        var output = ByteBuffer()
        transcoder.begin(match, form: form)
        var rest = frames[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(chunkBytes))
            rest = rest.dropFirst(chunk.count)
            try chunk.withUnsafeBytes { try transcoder.feed($0, into: &output) }
        }
        try end(transcoder, &output)
        return (String(decoding: output.readable, as: UTF8.self), String(decoding: transcoder.rawContentType, as: UTF8.self))
    }

    @Test(
        "messages become the body of their form, whatever the chunks",
        arguments: [
            (.lines, [], ""), (.array, [], "[]"), (.events, [], ""),
            (.lines, [bookA, bookB], "{\"title\":\"a\"}\n{\"title\":\"b\"}\n"),
            (.array, [bookA, bookB], #"[{"title":"a"},{"title":"b"}]"#), (.array, [[]], "[{}]"),
            (.events, [bookA, bookB], "data: {\"title\":\"a\"}\n\ndata: {\"title\":\"b\"}\n\n"),
            (.single, [bookA], #"{"title":"a"}"#),
        ] as [(ResponseForm, [[UInt8]], String)])
    func forms(form: ResponseForm, messages: [[UInt8]], body: String) throws {
        for size in [1, 2, 5, 6, Int.max] {
            #expect(try Self.answer("GET", "/v1/shelves/1/books:watch", form, Self.framed(messages), chunkBytes: size).body == body)
        }
    }

    @Test(
        "pretty answers have a line for every member, and forms that are lines stay lines",
        arguments: [
            (.single, [bookA], "{\n  \"title\": \"a\"\n}\n"), (.single, [[]], "{}\n"), (.array, [], "[]\n"),
            (.array, [bookA, bookB], "[\n  {\n    \"title\": \"a\"\n  },\n  {\n    \"title\": \"b\"\n  }\n]\n"),
            (.lines, [bookA], "{\"title\":\"a\"}\n"), (.events, [bookA], "data: {\"title\":\"a\"}\n\n"),
            (.framed, [bookA], "{\"title\":\"a\"}"),
        ] as [(ResponseForm, [[UInt8]], String)])
    func pretty(form: ResponseForm, messages: [[UInt8]], body: String) throws {
        var options = kindsPlan.options
        options.isPretty = true
        let plan = TranscodingPlan(kindsPlan, options: options)
        #expect(try Self.answer("GET", "/v1/shelves/1/books:watch", form, Self.framed(messages), plan: plan).body == body)
    }

    @Test("response_body is one field of the message")
    func responseBody() throws {
        let wire: [UInt8] = [0x0A, 3] + Self.bookA + [0x0A, 3] + Self.bookB
        #expect(
            try Self.answer("GET", "/v1/shelves/1/books", .single, Self.framed([wire])).body == #"[{"title":"a"},{"title":"b"}]"#)
        #expect(try Self.answer("GET", "/v1/shelves/1/books", .single, Self.framed([[]])).body == "[]")
    }

    @Test("an HttpBody is its bytes and its type")
    func raw() throws {
        let first: [UInt8] = [0x0A, 3, 0x61, 0x2F, 0x62, 0x12, 2, 0x68, 0x69]
        let second: [UInt8] = [0x12, 1, 0x21]
        let answer = try Self.answer("GET", "/v1/files/x", .array, Self.framed([first, second]), chunkBytes: 3)
        #expect(answer.body == "hi!" && answer.contentType == "a/b")
    }

    @Test(
        "what is no answer fails",
        arguments: [
            (.single, []), (.single, framed([bookA, bookB])), (.single, [0, 0, 0, 0, 3, 0x12]), (.single, [1, 0, 0, 0, 0]),
            (.single, [0, 0xFF, 0, 0, 0]), (.single, framed([[0x12]])),
        ] as [(ResponseForm, [UInt8])])
    func failures(form: ResponseForm, frames: [UInt8]) {
        #expect(throws: TranscodingFailure.self) { try Self.answer("GET", "/v1/books/b", form, frames) }
    }

    @Test(
        "a stream that ends badly says so in its own form",
        arguments: [
            (.lines, "{\"title\":\"a\"}\n{\"code\":5}\n"), (.array, #"[{"title":"a"},{"code":5}]"#),
            (.events, "data: {\"title\":\"a\"}\n\nevent: error\ndata: {\"code\":5}\n\n"),
        ] as [(ResponseForm, String)])
    func badEnds(form: ResponseForm, body: String) throws {
        let answer = try Self.answer("GET", "/v1/shelves/1/books:watch", form, Self.framed([Self.bookA])) { transcoder, output in
            Array(#"{"code":5}"#.utf8).withUnsafeBytes { transcoder.finish(status: $0, into: &output) }
        }
        #expect(answer.body == body)
    }

    @Test("a status has its details as far as the schema knows them")
    func status() throws {
        // google.rpc.Status: two details, a Duration and what nobody knows.
        let duration = Array("x/google.protobuf.Duration".utf8)
        let any: [UInt8] = [0x0A, UInt8(duration.count)] + duration + [0x12, 2, 0x08, 1]
        let details: [UInt8] = [0x08, 5, 0x1A, UInt8(any.count)] + any + [0x1A, 6, 0x0A, 1, 0x79, 0x12, 1, 0x7A, 0x1A, 9]
        let answer = try Self.answer("GET", "/v1/books/b", .single, []) { transcoder, output in
            details.withUnsafeBytes { details in
                Array("not \"there\"".utf8).withUnsafeBytes {
                    transcoder.append(status: 5, message: $0, details: details, to: &output)
                }
            }
        }
        let json =
            #"{"code":5,"message":"not \"there\"","details":[{"@type":"x/google.protobuf.Duration","value":"1s"},{"@type":"y","value":"eg=="}]}"#
        #expect(answer.body == json)
    }
}
