import Bytes
import HTTPModel
import HTTPTesting
import Testing

@testable import HTTP1

/// A client's codec with a handler that records everything, and no connection under it.
private final class Client {
    let calls: HTTP1ClientCodec
    let recorder = StreamRecorder()
    var events: [String] { recorder.events }
    var body: String { String(decoding: recorder.body, as: UTF8.self) }
    var ended = 0
    private let pool = StreamPool(chunks: ChunkPool())
    private let queue = EventQueue()

    init(windowBytes: Int = 1 << 20, limits: HTTP1Limits = HTTP1Limits()) {
        calls = HTTP1ClientCodec(limits: limits, windowBytes: windowBytes, pool: pool, events: queue)
        calls.connection = UnsafeMutableRawPointer(bitPattern: 8)
    }

    deinit { lose() }

    var liveStreams: Int { pool.liveCount }

    @discardableResult
    func begin(_ method: String = "GET", _ path: String = "/", _ more: [(String, String)] = [], ended: Bool = true)
        -> StreamPointer?
    {
        var block = FieldBlock()
        defer { block.destroy() }
        for (name, value) in [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")] + more {
            block.append(name, value)
        }
        guard calls.hasRoom else { return nil }
        let stream = calls.makeStream()
        guard calls.submit(stream, block.all, ended: ended, now: 1) else { return nil }
        stream.handler = recorder
        return stream
    }

    func send(_ stream: StreamPointer?, _ text: String) {
        Array(text.utf8).withUnsafeBytes { calls.send(stream!, $0) }
    }

    func takeOutput(limit: Int = 64 << 10) -> String {
        var buffer = GatherBuffer(capacity: 256)
        read(UnsafeRawBufferPointer(start: nil, count: 0))
        _ = calls.produce(into: &buffer, limit: limit, now: 2, wallSeconds: 0)
        ended += deliverEvents(of: calls, queue)
        return String(decoding: buffer.bytes.readable, as: UTF8.self).replacing("\r\n", with: "\n")
    }

    func receive(_ text: String, step: Int = .max) {
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + min(step, bytes.count))
            bytes.withUnsafeBytes { read(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
            start = end
        }
    }

    private func read(_ bytes: UnsafeRawBufferPointer) {
        calls.receive(BufferSlice(bytes), now: 3)
        while calls.readNext() { ended += deliverEvents(of: calls, queue) }
        calls.keepUnread()
    }

    func lose(inOrder: Bool = false) { ended += HTTP1Tests.lose(calls, queue, inOrder: inOrder) }
}

@Suite("HTTP/1.1 calls")
struct CallsTests {
    static let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    @Test("what comes before the request has left is no answer to it: the call is told that it was not processed")
    func unasked() {
        let client = Client()
        client.begin()
        _ = client.takeOutput()
        client.receive(Self.answer)
        client.begin()
        client.receive(Self.answer)
        #expect(client.events.count == 3, "those of the first call")
        #expect(client.takeOutput() == "", "the request does not leave")
        #expect(client.events.last == "closed unprocessed")
        #expect(!client.calls.hasRoom && client.calls.isFinished && client.liveStreams == 0)
    }

    @Test("a connection serves call after call, whatever pieces the answers come in", arguments: [1, 2, 7, Int.max])
    func reuse(step: Int) {
        let client = Client()
        for number in 0..<3 {
            client.begin("GET", "/\(number)")
            #expect(client.takeOutput() == "GET /\(number) HTTP/1.1\nhost: a\n\n")
            #expect(!client.calls.hasRoom && client.begin() == nil)
            client.receive(Self.answer, step: step)
            #expect(client.calls.hasRoom && client.ended == number + 1)
        }
        #expect(client.body == "okokok" && client.liveStreams == 0)
        #expect(client.events.prefix(3) == ["head :status=200 content-length=2", "ended", "closed complete"])
    }

    @Test(
        "the codec says how long a body is, and nothing of another hop is said",
        arguments: [
            ("GET", [], true, ""), ("POST", [], true, "content-length: 0\n"), ("DELETE", [], true, ""),
            ("POST", [("content-length", "2")], false, "content-length: 2\n"), ("POST", [], false, "transfer-encoding: chunked\n"),
            (
                "PUT", [("transfer-encoding", "gzip"), ("te", "trailers"), ("connection", "x")], false,
                "transfer-encoding: chunked\n"
            ),
        ] as [(String, [(String, String)], Bool, String)])
    func framing(method: String, fields: [(String, String)], ended: Bool, said: String) {
        let client = Client()
        client.begin(method, "/", fields, ended: ended)
        #expect(client.takeOutput() == "\(method) / HTTP/1.1\nhost: a\n\(said)\n")
    }

    @Test("a body goes up in chunks, or as long as was told")
    func bodies() {
        let client = Client()
        let chunked = client.begin("POST", ended: false)
        client.send(chunked, "abc")
        client.calls.finish(chunked!)
        #expect(client.takeOutput().hasSuffix("\n\n3\nabc\n0\n\n"))
        client.receive(Self.answer)
        let told = client.begin("POST", "/", [("content-length", "3")], ended: false)
        client.send(told, "abc")
        client.calls.finish(told!)
        #expect(client.takeOutput().hasSuffix("\n\nabc"))
        client.receive(Self.answer)
        #expect(client.calls.hasRoom)
    }

    @Test("a body of another length than was told ends the call and the connection", arguments: ["ab", "abcd"])
    func wrongLength(text: String) {
        let client = Client()
        let stream = client.begin("POST", "/", [("content-length", "3")], ended: false)
        client.send(stream, text)
        client.calls.finish(stream!)
        _ = client.takeOutput()
        #expect(client.events == ["closed reset(2)"] && client.calls.isFinished && client.calls.isTruncated)
    }

    @Test(
        "a head that could be misunderstood is not sent",
        arguments: [
            ("GET", "/a b"), ("GET", "/a\r\nb"), ("GET", "/\u{7f}"), ("GET", "/ä"), ("G T", "/"), ("", "/"), ("GET", ""),
        ])
    func unsafeHead(method: String, path: String) {
        let client = Client()
        #expect(client.begin(method, path) == nil)
        #expect(client.takeOutput().isEmpty && client.liveStreams == 0)
    }

    @Test(
        "answers without a body leave room for the next call",
        arguments: [
            ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"), ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
            ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
            ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ])
    func bodiless(method: String, answer: String) {
        let client = Client()
        client.begin(method)
        _ = client.takeOutput()
        client.receive(answer)
        #expect(client.events.count == 2 && client.events[0].hasSuffix(", ended") && client.calls.hasRoom)
    }

    @Test("interim answers are told, and what Connection names stays behind")
    func interim() {
        let client = Client()
        client.begin()
        _ = client.takeOutput()
        client.receive(
            "HTTP/1.1 103 Early Hints\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nx-end: 2\r\ntransfer-encoding: chunked\r\n\r\n"
                + "1\r\nx\r\n0\r\nlate: 1\r\n\r\n")
        #expect(client.events == ["informational :status=103 a=b", "head :status=200 x-end=2", "ended late=1", "closed complete"])
        #expect(client.calls.hasRoom)
    }

    @Test(
        "a connection is not used again after close, bytes behind an answer, or an answer before the request's end",
        arguments: [
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", answer + answer,
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        ])
    func lastCall(text: String) {
        let client = Client()
        client.begin()
        _ = client.takeOutput()
        client.receive(text)
        #expect(client.events.last == "closed complete" && client.body == "ok")
        #expect(!client.calls.hasRoom && client.calls.isFinished)
    }

    @Test("an answer before the request's end is whole, and the connection's last")
    func early() {
        let client = Client()
        let stream = client.begin("POST", ended: false)
        client.send(stream, "abc")
        _ = client.takeOutput()
        client.receive(Self.answer)
        #expect(client.events.last == "closed complete" && client.calls.isFinished)
    }

    @Test("bytes that nobody asked for end an idle connection")
    func unsolicited() {
        let client = Client()
        client.receive(Self.answer)
        #expect(!client.calls.hasRoom && client.calls.isFinished && client.events.isEmpty)
    }

    @Test(
        "what is no answer resets the call",
        arguments: [
            "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            // No chunk, before anybody has heard of the answer.
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        ])
    func malformed(text: String) {
        let client = Client()
        client.begin()
        _ = client.takeOutput()
        client.receive(text)
        #expect(client.events == ["closed malformed(1)"] && client.calls.isFinished)
    }

    @Test("a body that ends with its connection is whole only where that ended in order", arguments: [true, false])
    func untilClose(inOrder: Bool) {
        let client = Client()
        client.begin()
        _ = client.takeOutput()
        client.receive("HTTP/1.1 200 OK\r\n\r\nsome")
        client.lose(inOrder: inOrder)
        #expect(client.body == "some")
        #expect(client.events.last == (inOrder ? "closed complete" : "closed connectionLost"))
    }

    @Test("a body cut short is lost, however the connection ended")
    func cutShort() {
        let client = Client()
        client.begin()
        _ = client.takeOutput()
        client.receive("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome")
        client.lose(inOrder: true)
        #expect(client.events.last == "closed connectionLost")
    }

    @Test(
        "whether a request never left, or met the end of a connection that had been kept, is told",
        arguments: [
            ("GET", false, false, "unprocessed"), ("GET", false, true, "connectionLost"), ("GET", true, true, "connectionStale"),
            ("POST", true, true, "connectionStale"), ("POST", true, false, "unprocessed"),
        ])
    func again(method: String, isSecond: Bool, hasLeft: Bool, close: String) {
        let client = Client()
        if isSecond {
            client.begin()
            _ = client.takeOutput()
            client.receive(Self.answer)
        }
        client.begin(method)
        if hasLeft { _ = client.takeOutput() }
        client.lose(inOrder: true)
        #expect(client.events.last == "closed \(close)")
    }

    @Test("a reset ends the connection, not in order, and its handler hears so with the next bytes out")
    func reset() {
        let client = Client()
        let stream = client.begin()
        _ = client.takeOutput()
        client.calls.reset(stream!, .cancel)
        #expect(client.events.isEmpty)
        #expect(client.takeOutput().isEmpty)
        #expect(client.events == ["closed reset(8)"] && client.calls.isFinished && client.calls.isTruncated)
    }

    @Test("an answer above the window waits in the socket")
    func window() {
        let client = Client(windowBytes: 4)
        let stream = client.begin()
        _ = client.takeOutput()
        client.receive("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcd")
        #expect(client.calls.holdsReading)
        client.receive("ef")
        #expect(client.body == "abcd")
        stream!.pointee.unconsumed -= 4
        _ = client.takeOutput()
        #expect(client.body == "abcdef" && client.calls.hasRoom)
    }

    @Test("an answer whose head or trailers are too large is marked, and its connection goes on; far above, the connection ends")
    func sections() {
        var limits = HTTP1Limits()
        limits.fieldBytesMax = 200
        limits.sectionBytesMax = 500
        let client = Client(limits: limits)
        let large = "x: \(String(repeating: "v", count: 150))\n"
        func ask() -> StreamPointer {
            let stream = client.begin()!
            _ = client.takeOutput()
            return stream
        }
        var stream = ask()
        client.receive("HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n1\na\n0\n".crlf)
        #expect(!stream.flags.contains(.headTooLarge))
        client.receive("\(large)\(large)\n".crlf)
        #expect(client.events.last?.hasPrefix("closed complete") == true)
        #expect(client.calls.hasRoom)
        stream = ask()
        var isMarked = false
        client.recorder.onHead = { isMarked = $0.pointee.flags.contains(.headTooLarge) }
        client.receive("HTTP/1.1 200 OK\n\(large)\(large)content-length: 1\n\na".crlf)
        #expect(isMarked)
        #expect(client.calls.hasRoom)
        stream = ask()
        client.receive("HTTP/1.1 200 OK\n\(large)\(large)\(large)\n".crlf)
        #expect(client.events.last?.hasPrefix("closed limitExceeded") == true)
        #expect(client.calls.fault == .sectionTooLarge)
        _ = stream
    }
}

extension String {
    fileprivate var crlf: String { replacing("\n", with: "\r\n") }
}
