import Bridging
import Bytes
import HTTPModel
import Snapshots
import Testing

@testable import Calls

/// Which answers may be compressed, and what becomes of their heads.
@Suite struct AnswerCompressionTests {
    private let worker = HeadTests.Worker()

    private func may(
        _ fields: [(String, String)], status: Int = 200, _ change: (inout GzipConfiguration) -> Void = { _ in }
    ) -> Bool {
        var gzip = GzipConfiguration()
        change(&gzip)
        return AnswerCompression.mayCompress(worker.stream(fields).fields.all, status: status, by: GzipPolicy(gzip))
    }

    private func head(_ fields: [(String, String)], _ change: (inout FieldWriter) -> Void) -> [String] {
        var writer = FieldWriter(for: worker.stream(), scratch: worker.scratch)
        for field in worker.stream(fields).fields.all { writer.copy(field) }
        change(&writer)
        return HeadTests.text(writer.written)
    }

    @Test(
        "text is what content types say",
        arguments: [
            ("text/html", true), ("Text/HTML; charset=utf-8", true), ("application/json", true), ("application/problem+json", true),
            ("image/svg+xml", true), ("application/xml", true), ("text/", false), ("application/+json", false),
            ("image/png", false),
            ("application/jsonx", false), ("text/event-stream", false), ("text/event-stream;charset=utf-8", false),
            ("application/grpc", false),
            ("application/grpc-web+json", false), ("application/connect+json", false), ("multipart/mixed", false),
        ])
    func types(type: String, isText: Bool) { #expect(may([("content-type", type)]) == isText) }

    @Test("a type that is never compressed is not by a pattern either")
    func patterns() {
        func takes(_ type: String, _ patterns: [ContentTypePattern]) -> Bool {
            may([("content-type", type)]) { $0.contentTypes = patterns }
        }
        #expect(takes("application/wasm", [ContentTypePattern(head: "application/", tail: "")]))
        #expect(!takes("application/grpc+json", [ContentTypePattern(head: "application/", tail: "+json")]))
        #expect(!takes("text/html", [ContentTypePattern(head: "text/plain")]))
    }

    @Test("what has no body, a part of one, or one that must not change goes as it is")
    func exceptions() {
        let text = ("content-type", "text/html")
        for status in [200, 201, 404, 500] { #expect(may([text], status: status)) }
        for status in [103, 204, 205, 206] { #expect(!may([text], status: status)) }
        #expect(!may([]))
        #expect(!may([text, ("content-encoding", "br")]))
        #expect(may([text, ("content-encoding", "identity")]))
        #expect(!may([text, ("content-range", "bytes 0-9/10")]))
        #expect(!may([text, ("cache-control", "public"), ("cache-control", "max-age=5 , No-Transform")]))
        #expect(may([text, ("cache-control", "no-transformation")]))
    }

    @Test("an answer of a known length is compressed from the smallest on")
    func length() {
        func may(_ length: String) -> Bool {
            self.may([("content-type", "text/html"), ("content-length", length)]) { $0.bytesMin = 100 }
        }
        #expect(!may("0"))
        #expect(!may("99"))
        #expect(may("100"))
    }

    @Test("a 304 is like its 200, as far as it says anything")
    func notModified() {
        #expect(may([], status: 304))
        #expect(may([("content-length", "5")], status: 304))
        #expect(!may([("content-type", "image/png")], status: 304))
    }

    @Test("vary is there once")
    func vary() {
        #expect(head([]) { AnswerCompression.vary(&$0) } == ["vary: accept-encoding"])
        #expect(
            head([("vary", "origin"), ("a", "b")]) { AnswerCompression.vary(&$0) } == ["a: b", "vary: origin, accept-encoding"])
        for said in ["Accept-Encoding", "origin,accept-encoding", "*"] {
            #expect(head([("vary", said)]) { AnswerCompression.vary(&$0) } == ["vary: \(said)"])
        }
        #expect(
            head([("vary", "a"), ("vary", "b, accept-encoding")]) { AnswerCompression.vary(&$0) } == [
                "vary: a", "vary: b, accept-encoding",
            ])
    }

    @Test("what is said of plain bytes goes, and a strong tag becomes weak")
    func description() {
        let fields = [
            ("content-length", "5"), ("etag", "\"a\""), ("accept-ranges", "bytes"), ("content-digest", "x"),
            ("content-encoding", "identity"),
            ("last-modified", "x"),
        ]
        #expect(
            head(fields) { AnswerCompression.describe(&$0) } == ["last-modified: x", "etag: W/\"a\"", "content-encoding: gzip"])
        #expect(head([("etag", "W/\"a\"")]) { AnswerCompression.describe(&$0) } == ["etag: W/\"a\"", "content-encoding: gzip"])
    }

    @Test("a 304 names the tag that its caller has")
    func tags() {
        func tag(_ asked: String) -> [String] {
            let request = worker.stream([("if-none-match", asked)])
            return head([("etag", "\"a\"")]) { AnswerCompression.matchTag(&$0, toRequest: request.fields.all) }
        }
        #expect(tag("W/\"a\"") == ["etag: W/\"a\""])
        #expect(tag("\"x\", W/\"a\"") == ["etag: W/\"a\""])
        for other in ["\"a\"", "W/\"ab\"", "*"] { #expect(tag(other) == ["etag: \"a\""]) }
    }

    @Test("credentials are cookies and what authorizes")
    func credentials() {
        #expect(AnswerCompression.hasCredentials(worker.stream([("cookie", "a=b")]).fields.all))
        #expect(AnswerCompression.hasCredentials(worker.stream([("authorization", "Basic eDp5")]).fields.all))
        #expect(!AnswerCompression.hasCredentials(worker.stream([("accept", "a")]).fields.all))
        #expect(AnswerCompression.setsCookie(worker.stream([("set-cookie", "a=b")]).fields.all))
    }
}
