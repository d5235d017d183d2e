import Bytes
import HTTPModel
import Testing

@testable import HTTP1

@Suite("HTTP/1.1 requests")
struct RequestTests {
    @Test("a request becomes what HTTP/2 would have made of it", arguments: [1, 7, Int.max])
    func versionFree(step: Int) {
        let codec = Codec(isSecure: true)
        codec.receive(
            "GET /a?b=c HTTP/1.1\r\nHost: Api.test:8443\r\nAccept: */*\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nX-End: 2\r\nTE: trailers\r\nUpgrade: h2c\r\nKeep-Alive: 5\r\nX-Hop: 2\r\n\r\n",
            step: step)
        #expect(codec.events == ["head, ended"])
        #expect(
            codec.fields == [
                ":method: GET", ":scheme: https", ":path: /a?b=c", ":authority: Api.test:8443", "accept: */*", "x-end: 2",
            ])
    }

    @Test(
        "of Upgrade a handshake of WebSocket is told, and only in HTTP/1.1",
        arguments: [
            ("HTTP/1.1", "websocket", true), ("HTTP/1.1", "WebSocket", true), ("HTTP/1.1", "h2c, websocket/13", true),
            ("HTTP/1.1", "h2c", false), ("HTTP/1.1", "TLS/1.0, websockets", false), ("HTTP/1.0", "websocket", false),
        ])
    func webSocket(version: String, upgrade: String, asks: Bool) throws {
        let codec = Codec()
        codec.receive("GET /chat \(version)\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: \(upgrade)\r\n\r\n")
        #expect(codec.fields == [":method: GET", ":scheme: http", ":path: /chat", ":authority: a"])
        #expect(try #require(codec.stream).flags.contains(.asksForWebSocket) == asks)
    }

    @Test("the authority of an absolute target counts, and HTTP/1.0 may have none")
    func authorities() {
        let codec = Codec()
        codec.receive("GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(codec.fields == [":method: GET", ":scheme: http", ":path: /x", ":authority: a.test"])
        let old = Codec()
        old.receive("GET / HTTP/1.0\r\n\r\n")
        #expect(old.fields == [":method: GET", ":scheme: http", ":path: /"])
        let absolute = Codec()
        absolute.receive("GET http://b.test HTTP/1.0\r\n\r\n")
        #expect(absolute.fields == [":method: GET", ":scheme: http", ":path: /", ":authority: b.test"])
    }

    @Test("Connection takes nothing away that is for everyone")
    func nominations() {
        let codec = Codec()
        codec.receive(
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: authorization, x-forwarded-for, :path, host\r\nauthorization: Bearer t\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"
        )
        #expect(
            codec.fields == [
                ":method: GET", ":scheme: http", ":path: /", ":authority: a", "authorization: Bearer t", "x-forwarded-for: 1.2.3.4",
            ])
    }

    @Test("a body of told length and one in chunks arrive alike, in pieces of any size", arguments: [1, 3, Int.max])
    func bodies(step: Int) {
        let counted = Codec()
        counted.receive("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\nhello world", step: step)
        #expect(counted.body == "hello world")
        #expect(counted.events == ["head", "ended"])
        let chunked = Codec()
        chunked.receive(
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-sum: 1\r\n\r\n",
            step: step)
        #expect(chunked.body == "hello world")
        #expect(chunked.events == ["head", "ended x-sum=1"])
        #expect(chunked.fields.contains { $0.hasPrefix("transfer-encoding") } == false)
    }

    @Test("requests ahead of their turn wait for it, and hold reading")
    func pipelining() {
        let codec = Codec()
        codec.receive("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\nGET /3 HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(codec.events == ["head, ended"])
        #expect(codec.server.holdsReading)
        codec.answer(codec.stream!)
        codec.produce()
        #expect(codec.events == ["head, ended", "closed complete", "head, ended"])
        #expect(codec.fields[2] == ":path: /2")
        #expect(codec.server.holdsReading)
        codec.answer(codec.stream!)
        codec.produce()
        #expect(codec.fields[2] == ":path: /3")
        #expect(!codec.server.holdsReading)
        #expect(codec.takeOutput() == String(repeating: "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello", count: 2))
    }

    @Test("pipelined requests that are answered at once are answered in one go")
    func pipelinedAtOnce() {
        let codec = Codec().answering()
        codec.receive(String(repeating: "GET / HTTP/1.1\r\nhost: a\r\n\r\n", count: 100))
        #expect(codec.takeOutput() == String(repeating: "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello", count: 100))
        #expect(codec.server.isIdle)
        #expect(codec.liveStreams == 0)
        #expect(codec.endedCalls == 100)
    }

    @Test("body that nobody accepts holds reading, until it is accepted")
    func backPressure() {
        let codec = Codec(windowBytes: 10)
        codec.onData = { _, _, _ in }
        codec.receive("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 30\r\n\r\n123456789")
        #expect(!codec.server.holdsReading)
        codec.receive("0")
        #expect(codec.server.holdsReading)
        codec.receive("1234567890")
        #expect(codec.body == "1234567890", "what came all the same waits")
        codec.stream!.pointee.unconsumed = 0
        codec.produce()
        #expect(codec.body == "12345678901234567890")
        #expect(codec.server.holdsReading)
        codec.stream!.pointee.unconsumed = 0
        codec.receive("1234567890")
        #expect(codec.events == ["head"])
        codec.stream!.pointee.unconsumed = 0
        codec.produce()
        #expect(codec.events == ["head", "ended"], "the end needs no bytes, only room")
        #expect(!codec.server.holdsReading)
    }

    @Test("body names the buffer it was read into, and none where it was put aside meanwhile")
    func namedBuffer() {
        let codec = Codec(windowBytes: 10)
        codec.onData = { _, _, _ in }
        codec.receive("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\n1234567890")
        codec.receive("1234567890")
        codec.stream!.pointee.unconsumed = 0
        codec.produce()
        #expect(codec.body == "12345678901234567890")
        #expect(codec.buffers == [codec.input, nil])
    }

    @Test(
        "what cannot be read is answered with its status, and is the last",
        arguments: [
            ("GET  / HTTP/1.1\r\n\r\n", "400 Bad Request"), ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
            ("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", "501 Not Implemented"),
            ("GET /\(String(repeating: "y", count: 20_000)) HTTP/1.1\r\nhost: a\r\n\r\n", "414 URI Too Long"),
            ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n", "413 Content Too Large"),
            ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "501 Not Implemented"),
            ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", "400 Bad Request"),
            ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\n", "413 Content Too Large"),
            ("GET / HTTP/1.1\r\nhost: a\r\nexpect: wonders\r\n\r\n", "417 Expectation Failed"),
        ])
    func refusals(request: String, status: String) {
        var limits = HTTP1Limits()
        limits.bodyBytesMax = 8
        let codec = Codec(limits: limits)
        codec.receive(request + "GET /next HTTP/1.1\r\nhost: a\r\n\r\n")
        let answer = codec.takeOutput()
        #expect(answer.hasPrefix("HTTP/1.1 \(status)\n"))
        #expect(answer.contains("\nconnection: close\n"))
        #expect(codec.server.isFinished)
        #expect(codec.server.needsLingeringClose)
        #expect(codec.liveStreams == 0)
        #expect(!codec.fields.contains(":path: /next"))
    }

    /// Keeps 200 bytes of a section and reads 3,000.
    private static func small() -> HTTP1Limits {
        var limits = HTTP1Limits()
        limits.fieldBytesMax = 200
        limits.sectionBytesMax = 3000
        return limits
    }

    @Test(
        "a head beyond what is read is its handler's to answer, and is the last",
        arguments: [
            "x: \(String(repeating: "y", count: 2900))\r\n\r\n", "x: \(String(repeating: "y", count: 2951))\r\n\r\n",
            String(repeating: "y", count: 9000), "x: \(String(repeating: "y", count: 9000))\r\ncontent-type: b\r\n\r\n",
            String(repeating: "x: y\r\n", count: 400),
        ], [7, 1000, Int.max])
    func cutHeads(rest: String, step: Int) {
        let codec = Codec(limits: Self.small()).answering("431", "large")
        var isMarked = false
        let answer = codec.onHead
        codec.onHead = {
            isMarked = $1.pointee.flags.contains(.headTooLarge); answer($0, $1)
        }
        codec.receive(
            "POST /a HTTP/1.1\r\nhost: b\r\norigin: c\r\nexpect: 100-continue\r\n\(rest)GET /next HTTP/1.1\r\nhost: a\r\n\r\n",
            step: step)
        #expect(isMarked)
        #expect(
            codec.fields.filter { $0 != "x: y" } == [":method: POST", ":scheme: http", ":path: /a", ":authority: b", "origin: c"])
        #expect(codec.takeOutput() == "HTTP/1.1 431 Request Header Fields Too Large\ncontent-length: 5\nconnection: close\n\nlarge")
        #expect(codec.events == ["head, ended", "closed complete"])
        #expect(codec.server.isFinished && codec.server.needsLingeringClose && !codec.server.isTruncated)
        #expect(codec.server.fault == .sectionTooLarge)
        #expect(codec.liveStreams == 0 && codec.endedCalls == 1)
    }

    @Test("an answer to a head that was cut may take its time, and what still comes is not read")
    func lateAnswer() {
        let codec = Codec(limits: Self.small())
        codec.receive("GET /a HTTP/1.1\r\nhost: b\r\n\(String(repeating: "y", count: 4000))")
        #expect(!codec.server.isFinished && codec.server.current != nil)
        codec.receive("y\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(!codec.server.holdsReading)
        codec.answer(codec.stream!, "431", "")
        codec.produce()
        #expect(codec.takeOutput() == "HTTP/1.1 431 Request Header Fields Too Large\ncontent-length: 0\nconnection: close\n\n")
        #expect(codec.server.isFinished)
        let gone = Codec(limits: Self.small())
        gone.receive("GET /a HTTP/1.1\r\nhost: b\r\n\(String(repeating: "y", count: 4000))")
        gone.lose()
        #expect(gone.events == ["head, ended", "closed connectionLost"] && gone.liveStreams == 0)
    }

    @Test("a head up to what is read costs its call, and the next one is served")
    func largeHead() {
        let codec = Codec(limits: Self.small()).answering("431", "")
        // Host counts 37, and the other name and 32 are 33.
        codec.receive(
            "GET /a HTTP/1.1\r\nhost: b\r\nx: \(String(repeating: "y", count: 3000 - 37 - 33))\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n"
        )
        #expect(codec.events.count == 4 && codec.fields.contains(":path: /next"))
        #expect(codec.server.fault == nil && !codec.server.isEnding)
    }

    @Test("trailers beyond what is read are told as too large, and the answer is the last", arguments: [false, true])
    func cutTrailers(isAnswered: Bool) {
        let codec = Codec(limits: Self.small())
        codec.receive("POST /a HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        if isAnswered { codec.begin(codec.stream!, [(":status", "200"), ("content-length", "1")]) }
        codec.receive("x: \(String(repeating: "y", count: 4000))\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(codec.events == ["head", "ended"])
        #expect(codec.stream!.pointee.flags.isSuperset(of: [.headTooLarge, .remoteEnded]))
        if isAnswered {
            codec.server.reset(codec.stream!, .internalError)
        } else {
            codec.answer(codec.stream!, "431", "")
        }
        codec.produce()
        #expect(codec.server.isFinished && codec.server.fault == .sectionTooLarge && codec.liveStreams == 0)
    }

    @Test("a head that does not end is refused with 408")
    func slowHead() {
        let codec = Codec()
        codec.receive("GET / HT")
        #expect(codec.server.headSince != nil)
        codec.server.refuseSlowHead()
        codec.produce()
        #expect(codec.takeOutput().hasPrefix("HTTP/1.1 408 Request Timeout\n"))
        #expect(codec.server.isFinished)
        #expect(codec.liveStreams == 0)
    }

    @Test("a connection that is gone ends what runs on it, and a head in the making silently")
    func death() {
        let codec = Codec()
        codec.receive("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        codec.lose()
        #expect(codec.events == ["head, ended", "closed connectionLost"])
        let unfinished = Codec()
        unfinished.receive("GET / HTTP/1.1\r\nho")
        unfinished.lose()
        #expect(unfinished.events.isEmpty)
        #expect(unfinished.liveStreams == 0)
    }
}
