import Bytes
import HTTPModel
import Testing

@testable import HTTP1

@Suite struct HTTP1WriterTests {
    private func block(_ fields: [(String, String)]) -> FieldBlock {
        var block = FieldBlock()
        for (name, value) in fields { block.append(name, value) }
        return block
    }

    private func text(_ output: borrowing ByteBuffer) -> String {
        String(decoding: output.readable, as: UTF8.self).replacing("\r\n", with: "\n")
    }

    private func raw(_ literal: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    /// The head of a request, as the reader saw it.
    private func withHead(_ request: String, _ body: (RequestHead) -> Void) throws {
        var reader = RequestReader()
        var fields = FieldBlock()
        defer { fields.destroy() }
        let event = try wire(request).withUnsafeBytes { try reader.next($0, into: &fields).event }
        #expect(event == .head)
        body(reader.head)
    }

    @Test("a request head names its host and keeps what belongs to one hop to itself")
    func requestHead() {
        var fields = block([
            (":method", "POST"), (":path", "/x"), ("host", "other"), ("connection", "x"), ("te", "trailers"),
            ("cookie", "a=1"), ("x-a", "1"), ("cookie", "b=2"), ("content-length", "99"), ("transfer-encoding", "gzip"),
        ])
        defer { fields.destroy() }
        var output = ByteBuffer()
        HTTP1Writer.requestHead(
            method: raw("POST"), target: raw("/jwks?x"), authority: raw("a:443"), fields: fields, body: .length(3),
            close: true, to: &output)
        #expect(
            text(output)
                == "POST /jwks?x HTTP/1.1\nhost: a:443\nx-a: 1\ncookie: a=1; b=2\ncontent-length: 3\nconnection: close\n\n")
    }

    @Test("a value never splits a message")
    func noSplitting() {
        var fields = block([("x-a", "1\r\nx-b: 2\0")])
        defer { fields.destroy() }
        var output = ByteBuffer()
        HTTP1Writer.interimHead(status: 103, fields: fields, to: &output)
        #expect(text(output) == "HTTP/1.1 103 \nx-a: 1  x-b: 2 \n\n")
    }

    struct PlanCase: Sendable {
        let request: String
        let status: Int
        let length: UInt64?
        let body: BodyFraming
        let sendsBody: Bool
        let keepsAlive: Bool
    }

    @Test(
        "a response is framed as its request and status allow",
        arguments: [
            PlanCase(
                request: "GET / HTTP/1.1\nHost: a\n\n", status: 200, length: 3, body: .length(3), sendsBody: true, keepsAlive: true),
            PlanCase(
                request: "GET / HTTP/1.1\nHost: a\n\n", status: 200, length: nil, body: .chunked, sendsBody: true, keepsAlive: true),
            PlanCase(
                request: "GET / HTTP/1.0\n\n", status: 200, length: nil, body: .untilClose, sendsBody: true, keepsAlive: false),
            PlanCase(
                request: "GET / HTTP/1.0\nConnection: keep-alive\n\n", status: 200, length: nil, body: .untilClose, sendsBody: true,
                keepsAlive: false),
            PlanCase(
                request: "GET / HTTP/1.0\nConnection: keep-alive\n\n", status: 200, length: 1, body: .length(1), sendsBody: true,
                keepsAlive: true),
            PlanCase(
                request: "HEAD / HTTP/1.1\nHost: a\n\n", status: 200, length: 3, body: .length(3), sendsBody: false,
                keepsAlive: true),
            PlanCase(
                request: "HEAD / HTTP/1.1\nHost: a\n\n", status: 200, length: nil, body: .none, sendsBody: false, keepsAlive: true),
            PlanCase(
                request: "GET / HTTP/1.1\nHost: a\n\n", status: 204, length: 0, body: .none, sendsBody: false, keepsAlive: true),
            PlanCase(
                request: "GET / HTTP/1.1\nHost: a\n\n", status: 304, length: nil, body: .none, sendsBody: false, keepsAlive: true),
            PlanCase(
                request: "GET / HTTP/1.1\nHost: a\nConnection: close\n\n", status: 200, length: nil, body: .chunked,
                sendsBody: true,
                keepsAlive: false),
        ])
    func plans(_ plan: PlanCase) throws {
        try withHead(plan.request) { head in
            let result = ResponsePlan(answering: head, status: plan.status, length: plan.length)
            #expect(result.body == plan.body)
            #expect(result.sendsBody == plan.sendsBody)
            #expect(result.keepsAlive == plan.keepsAlive)
        }
    }

    @Test("what is written reads back: chunks, trailers and all")
    func readsBack() throws {
        var fields = block([(":status", "200"), ("content-type", "text/plain"), ("content-length", "7")])
        var trailers = block([("x-sum", "9")])
        defer { fields.destroy(); trailers.destroy() }
        var output = ByteBuffer()
        try withHead("GET / HTTP/1.1\nHost: a\n\n") { head in
            let plan = ResponsePlan(answering: head, status: 200, length: nil, mayKeepAlive: false)
            HTTP1Writer.interimContinue(to: &output)
            HTTP1Writer.responseHead(status: 200, fields: fields, plan: plan, to: &output)
            HTTP1Writer.chunk(raw("hello "), to: &output)
            HTTP1Writer.chunk(raw(""), to: &output)
            HTTP1Writer.chunkStart(count: 26, to: &output)
            output.append("abcdefghijklmnopqrstuvwxyz")
            HTTP1Writer.chunkEnd(to: &output)
            HTTP1Writer.lastChunk(trailers: trailers, to: &output)
        }
        #expect(text(output).contains("\n6\nhello \n1a\nabc"))
        let reading = Transcript.responses(Array(output.readable), to: [.get], pieces: [7])
        #expect(
            reading
                == "interim 100 \n200 http11 chunked close content-type=text/plain|transfer-encoding=chunked|connection=close\n"
                + "body hello abcdefghijklmnopqrstuvwxyz\nend x-sum=9\nclosed needsMore")
    }

    @Test("chunk sizes are written in as few digits as they need", arguments: [1, 9, 15, 16, 255, 256, 4095, 65536, 1 << 40])
    func chunkSizes(_ count: Int) {
        var output = ByteBuffer()
        HTTP1Writer.chunkStart(count: count, to: &output)
        #expect(text(output) == String(count, radix: 16) + "\n")
    }

    @Test("an HTTP/1.0 caller is told that its connection stays")
    func keepAliveTold() throws {
        var fields = FieldBlock()
        defer { fields.destroy() }
        var output = ByteBuffer()
        try withHead("GET / HTTP/1.0\nConnection: keep-alive\n\n") { head in
            HTTP1Writer.responseHead(
                status: 200, fields: fields, plan: ResponsePlan(answering: head, status: 200, length: 0), to: &output)
        }
        #expect(text(output) == "HTTP/1.1 200 OK\ncontent-length: 0\nconnection: keep-alive\n\n")
    }

    @Test("a refusal of an unreadable request closes")
    func refusal() {
        var fields = FieldBlock()
        defer { fields.destroy() }
        var output = ByteBuffer()
        HTTP1Writer.responseHead(status: 431, fields: fields, plan: ResponsePlan(refusingWithLength: 0), to: &output)
        #expect(
            text(output) == "HTTP/1.1 431 Request Header Fields Too Large\ncontent-length: 0\nconnection: close\n\n")
    }

    @Test("fields that Connection nominates are known in any case and any field")
    func nominations() {
        var fields = block([("connection", "close , X-Hop"), ("x-hop", "1"), ("connection", ",,y")])
        defer { fields.destroy() }
        #expect(fields.connectionNominates(raw("x-hop")))
        #expect(fields.connectionNominates(raw("y")))
        #expect(!fields.connectionNominates(raw("x")))
        #expect(!fields.connectionNominates(raw("")))
    }
}
