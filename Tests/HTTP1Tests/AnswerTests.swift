import Bytes
import HTTPModel
import Testing

@testable import HTTP1

@Suite("HTTP/1.1 answers")
struct AnswerTests {
    static let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
    static let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n"

    @Test("an answer has the date, unless its maker gave one")
    func date() {
        let codec = Codec().answering()
        codec.receive(Self.get)
        #expect(codec.output.contains("\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
        let own = Codec()
        own.onHead = { $0.begin($1, [(":status", "204"), ("date", "today")], ended: true) }
        own.receive(Self.get)
        #expect(own.output == "HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n")
    }

    @Test("a body that is whole by the end of the tick needs no chunks")
    func wholeBody() {
        let codec = Codec().answering(length: false)
        codec.receive(Self.get)
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello")
        #expect(codec.drained == 5)
    }

    @Test(
        "a withdrawn head leaves nothing, interim heads in front of it stay, and another answer takes its place",
        arguments: [true, false])
    func answeredAnew(withBody: Bool) {
        let codec = Codec()
        codec.onHead = { codec, stream in
            codec.inform(stream, "103")
            codec.begin(stream, [(":status", "200"), ("content-length", "9")])
            if withBody { codec.send(stream, "some") }
            codec.server.withdrawHead(of: stream)
            #expect(stream.flags.isDisjoint(with: [.headSent, .headWaits]))
            codec.answer(stream, "502", "broken")
        }
        codec.receive("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        codec.produce()
        #expect(codec.takeOutput() == "HTTP/1.1 103 \n\nHTTP/1.1 502 Bad Gateway\ncontent-length: 6\n\nbroken")
        #expect(codec.events.last == "closed complete")
    }

    @Test("a head that is reset or lost before it was written has not been sent", arguments: [true, false])
    func withdrawnHead(isReset: Bool) {
        var sent: [Bool] = []
        let codec = Codec()
        codec.onHead = { codec, stream in
            codec.begin(stream, [(":status", "200")])
            sent.append(stream.flags.contains(.headSent))
            if isReset { codec.server.reset(stream, .internalError) } else { _ = codec.server.connectionLost() }
            sent.append(stream.flags.contains(.headSent))
        }
        codec.receive(Self.get)
        #expect(sent == [true, false])
        if isReset { #expect(codec.output == "") }
    }

    @Test("a body of unknown length goes in chunks, with trailers behind it")
    func chunks() {
        let codec = Codec()
        codec.onHead = { $0.begin($1, [(":status", "200")]) }
        codec.receive(Self.get)
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n")
        codec.send(codec.stream!, "hello")
        codec.produce()
        codec.send(codec.stream!, " big")
        codec.send(codec.stream!, " world")
        codec.finish(codec.stream!, trailers: [("x-sum", "7")])
        codec.produce()
        #expect(codec.takeOutput() == "5\nhello\na\n big world\n0\nx-sum: 7\n\n")
        #expect(codec.events.last == "closed complete")
        #expect(codec.server.isIdle)
    }

    @Test("a long body is written as it is asked for")
    func longBody() {
        let codec = Codec()
        codec.onHead = { $0.begin($1, [(":status", "200")]) }
        codec.receive(Self.get)
        _ = codec.takeOutput()
        codec.send(codec.stream!, String(repeating: "x", count: 1000))
        codec.server.finish(codec.stream!)
        codec.produce(limit: 400)
        #expect(codec.takeOutput().split(separator: "\n").map(\.count) == [3, 400, 3, 400, 2, 200, 1])
    }

    @Test(
        "HEAD, 204 and 304 have no body, whatever is sent",
        arguments: [
            ("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", "200", "HTTP/1.1 200 OK\ncontent-length: 5\n\n"),
            (get, "204", "HTTP/1.1 204 No Content\n\n"), (get, "304", "HTTP/1.1 304 Not Modified\ncontent-length: 5\n\n"),
        ])
    func bodiless(request: String, status: String, answer: String) {
        let codec = Codec().answering(status)
        codec.receive(request + request)
        #expect(codec.takeOutput() == answer + answer)
        #expect(codec.drained == 10, "nobody waits for room that is never needed")
    }

    @Test(
        "the connection is kept as the caller wants it",
        arguments: [
            ("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "content-length: 5\nconnection: close\n", false),
            ("GET / HTTP/1.0\r\n\r\n", "content-length: 5\n", false),
            ("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", "content-length: 5\nconnection: keep-alive\n", true),
        ])
    func persistence(request: String, fields: String, isKept: Bool) {
        let codec = Codec().answering()
        codec.receive(request)
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\n\(fields)\nhello")
        #expect(codec.server.isFinished == !isKept)
        #expect(!codec.server.needsLingeringClose)
    }

    @Test("an answer in front of the request's end is the connection's last")
    func earlyAnswer() {
        let codec = Codec().answering("403")
        codec.receive(Self.post + "hel")
        #expect(codec.takeOutput() == "HTTP/1.1 403 Forbidden\ncontent-length: 5\nconnection: close\n\nhello")
        #expect(codec.server.isFinished)
        #expect(codec.server.needsLingeringClose)
    }

    @Test("a body that comes along with its head does not cost the connection")
    func earlyAnswerWholeRequest() {
        let codec = Codec().answering("403")
        codec.receive(Self.post + "hello")
        #expect(codec.takeOutput() == "HTTP/1.1 403 Forbidden\ncontent-length: 5\n\nhello")
        #expect(codec.server.isIdle)
    }

    @Test("whoever waits to be told to go on is told once, unless it is answered or its body is there already")
    func expectations() {
        let expecting = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        let codec = Codec()
        codec.receive(expecting)
        codec.produce()
        #expect(codec.takeOutput() == "HTTP/1.1 100 Continue\n\n")
        #expect(!codec.fields.contains { $0.hasPrefix("expect") })
        let refused = Codec().answering("401")
        refused.receive(expecting)
        #expect(refused.takeOutput() == "HTTP/1.1 401 Unauthorized\ncontent-length: 5\nconnection: close\n\nhello")
        let hasty = Codec()
        hasty.receive(expecting + "hello")
        #expect(hasty.takeOutput() == "")
        let relayed = Codec()
        relayed.onHead = { $0.inform($1, "100") }
        relayed.receive(expecting)
        relayed.produce()
        #expect(relayed.takeOutput() == "HTTP/1.1 100 Continue\n\n")
    }

    @Test("interim answers go in front, but not to HTTP/1.0, and 101 never")
    func interim() {
        let codec = Codec()
        codec.onHead = {
            $0.inform($1, "103")
            $0.inform($1, "101")
            $0.inform($1, "100")
            $0.answer($1)
        }
        codec.receive(Self.get)
        #expect(codec.takeOutput() == "HTTP/1.1 103 \n\nHTTP/1.1 200 OK\ncontent-length: 5\n\nhello")
        codec.receive("GET / HTTP/1.0\r\n\r\n")
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello")
    }

    @Test("a reset in the middle leaves the last chunk out and ends the connection")
    func reset() {
        let codec = Codec()
        codec.onHead = {
            $0.begin($1, [(":status", "200")])
            $0.send($1, "hello")
        }
        codec.receive(Self.get)
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\nhello\n")
        codec.server.reset(codec.stream!, .internalError)
        codec.produce()
        #expect(codec.takeOutput() == "")
        #expect(codec.events.last == "closed reset(2)")
        #expect(codec.server.isFinished)
        #expect(!codec.server.isTruncated)
    }

    @Test("a reset answer that only the connection's end delimits must not end in order")
    func resetUntilClose() {
        let codec = Codec()
        codec.onHead = { $0.begin($1, [(":status", "200")]) }
        codec.receive("GET / HTTP/1.0\r\n\r\n")
        codec.server.reset(codec.stream!, .cancel)
        codec.produce()
        #expect(codec.server.isTruncated)
    }

    @Test("no error says only that the rest of the request is not wanted")
    func resetAfterAnswer() {
        let codec = Codec()
        codec.onHead = {
            $0.answer($1, "200")
            $0.server.reset($1, .noError)
        }
        codec.receive(Self.post)
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\ncontent-length: 5\nconnection: close\n\nhello")
        #expect(codec.events.last == "closed complete")
    }

    @Test("more or less body than was told is never taken for the next answer", arguments: ["4", "6"])
    func contradictedLength(told: String) {
        let codec = Codec()
        codec.onHead = {
            $0.begin($1, [(":status", "200"), ("content-length", told)])
            $0.send($1, "hello")
            $0.server.finish($1)
        }
        codec.receive(Self.get + Self.get)
        #expect(codec.server.isFinished)
        #expect(codec.events == ["head, ended", "closed reset(2)"])
    }

    @Test("a malformed body in the middle of an answer cuts the answer short")
    func malformedDuringAnswer() {
        let codec = Codec()
        codec.onHead = { $0.begin($1, [(":status", "200")]) }
        codec.receive("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        codec.receive("rubbish\r\n")
        #expect(codec.takeOutput() == "HTTP/1.1 200 OK\ntransfer-encoding: chunked\nconnection: close\n\n")
        #expect(codec.events == ["head", "closed malformed(1)"])
        #expect(codec.server.isFinished)
    }

    @Test("leaving ends idle connections at once, and others with their answer")
    func drain() {
        let idle = Codec().answering()
        idle.receive(Self.get)
        idle.server.drain()
        #expect(idle.server.isFinished)
        let busy = Codec()
        busy.receive(Self.get)
        busy.server.drain()
        #expect(!busy.server.isFinished)
        busy.answer(busy.stream!)
        busy.produce()
        #expect(busy.takeOutput() == "HTTP/1.1 200 OK\ncontent-length: 5\nconnection: close\n\nhello")
        #expect(busy.server.isFinished)
        let begun = Codec().answering()
        begun.receive("GET / HTTP/1.1\r\n")
        begun.server.drain()
        begun.receive("host: a\r\n\r\n")
        #expect(begun.takeOutput().contains("connection: close"))
    }
}
