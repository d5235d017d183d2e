import Bytes
import HTTP1
import Testing

@testable import Control

@Suite("Asking for a key set")
struct KeySetExchangeTests {
    static func exchange() -> KeySetExchange { KeySetExchange(KeySetLocationTests.base) }

    /// What becomes of an answer that arrives in pieces of `step` bytes.
    static func outcome(_ answer: String, step: Int = .max, ends: Bool = false) throws(FetchFailure) -> KeySetExchange.Outcome? {
        let exchange = exchange()
        let bytes = Array(answer.utf8)
        var start = 0
        while start < bytes.count {
            let end = start + min(step, bytes.count - start)
            let piece = Array(bytes[start..<end])
            start = end
            let result = piece.withUnsafeBytes { piece in
                Result<KeySetExchange.Outcome?, FetchFailure> { () throws(FetchFailure) in try exchange.receive(piece) }
            }
            if let outcome = try result.get() { return outcome }
        }
        return ends ? try exchange.connectionEnded() : nil
    }

    @Test("the request says who asks and what for, and that nothing follows")
    func request() {
        var output = ByteBuffer()
        Self.exchange().writeRequest(to: &output)
        #expect(
            String(decoding: output.readable, as: UTF8.self)
                == "GET /a/jwks.json?x=1 HTTP/1.1\r\nhost: keys.test\r\naccept: application/jwk-set+json, application/json\r\nuser-agent: martlet\r\nconnection: close\r\n\r\n"
        )
    }

    @Test("an answer is read in any framing and in pieces of any size", arguments: [1, 9, Int.max])
    func framings(step: Int) throws {
        let document = KeySetExchange.Outcome.document(Array("{}".utf8), freshFor: nil)
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nx: y\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        ] { #expect(try Self.outcome(answer, step: step) == document) }
        #expect(try Self.outcome("HTTP/1.0 200 OK\r\n\r\n{}", step: step, ends: true) == document)
    }

    @Test(
        "how long it is fresh",
        arguments: [
            ("cache-control: max-age=300", Duration.seconds(300)), ("Cache-Control: public, Max-Age=\"300\"", .seconds(300)),
            ("cache-control: max-age=300\r\nage: 100", .seconds(200)), ("cache-control: max-age=300\r\nage: 400", .zero),
            ("cache-control: max-age=300, no-cache", .zero), ("cache-control: no-store", .zero), ("cache-control: max-age=x", nil),
            ("cache-control: s-maxage=5", nil), ("cache-control: max-age=99999999999999999999", .seconds(1 << 31)), ("x: y", nil),
            ("cache-control: max-age=-5", .zero),
        ] as [(String, Duration?)])
    func freshness(fields: String, freshFor: Duration?) throws {
        let answer = "HTTP/1.1 200 OK\r\n\(fields)\r\ncontent-length: 2\r\n\r\n{}"
        #expect(try Self.outcome(answer) == .document(Array("{}".utf8), freshFor: freshFor))
    }

    @Test(
        "what is not a document",
        arguments: [
            ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", FetchFailure.status(500)), ("HTTP/1.1 204 No\r\n\r\n", .status(204)),
            ("HTTP/1.1 304 No\r\n\r\n", .status(304)), ("HTTP/1.1 302 Found\r\n\r\n", .badRedirect),
            ("SSH-2.0-OpenSSH_9\r\n", .malformed(.malformedStatusLine)),
            ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", .encoded),
            ("HTTP/1.1 200 OK\r\ncontent-length: 524289\r\n\r\n", .tooLarge),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n80001\r\n", .tooLarge),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", .connectionLost), ("HTTP/1.1 200 OK\r\n", .connectionLost),
            ("", .connectionLost),
        ])
    func failures(answer: String, failure: FetchFailure) {
        #expect(throws: failure) { try Self.outcome(answer, ends: true) }
    }

    @Test("a document of the largest size is taken")
    func largest() throws {
        let body = String(repeating: " ", count: KeySetExchange.bodyBytesMax)
        let outcome = try Self.outcome("HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)", step: 60_000)
        #expect(outcome == .document(Array(body.utf8), freshFor: nil))
    }

    @Test("a redirect says where to")
    func redirect() throws {
        for status in [301, 302, 303, 307, 308] {
            #expect(try Self.outcome("HTTP/1.1 \(status) x\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n") == .redirect("/b"))
        }
    }
}
