import Bytes
import GRPCTesting
import HTTPModel
import HTTPTesting
import Net
import Sockets
import TLS
import Testing

@testable import Transport

/// What a handler hears after it has done something at an event: in both versions of HTTP, on both sides, with TLS and without.
@Suite("What handlers do at events")
struct HandlerDeedTests {
    enum Event: String, CaseIterable { case informational, head, data, drained, ended }
    enum Deed: String, CaseIterable { case reset, letGo, closeConnection, closeOther, finish }

    struct Way: CustomTestStringConvertible {
        let speaks: ApplicationProtocol
        let isServer: Bool
        let isSecure: Bool
        var testDescription: String { "\(speaks) \(isServer ? "server" : "client")\(isSecure ? ", TLS" : "")" }
    }

    static let ways: [Way] = [ApplicationProtocol.http2, .http1].flatMap { speaks in
        [false, true].flatMap { isServer in [false, true].map { Way(speaks: speaks, isServer: isServer, isSecure: $0) } }
    }
    static let pairs = Event.allCases.flatMap { event in Deed.allCases.map { (event, $0) } }

    @Test("at any event a handler may do anything, and hears what is left to hear, once", arguments: ways, pairs)
    func matrix(way: Way, pair: (event: Event, deed: Deed)) throws {
        // Servers hear no 1xx.
        if way.isServer, pair.event == .informational { return }
        let site = try Site(way)
        let (tested, peer) = (site.tested, site.peer)
        let other = try site.beginHeld()
        tested.other = other
        (tested.event, tested.deed) = pair
        let sender = try site.exchange()
        #expect(site.worker.run { tested.done != nil }, "the event comes")
        let stream = try #require(tested.done)
        switch pair.deed {
        case .reset, .closeConnection:
            #expect(site.worker.run { !tested.after.isEmpty })
            site.worker.settle()
            #expect(tested.after == ["closed"])
        case .letGo:
            // What is dropped holds nobody up.
            if way.speaks == .http2 {
                #expect(site.worker.run { (sender ?? peer.answered).map { peer.drained[$0] } == Site.bodyBytes })
            }
            site.worker.settle()
            #expect(tested.after.isEmpty)
        case .closeOther:
            #expect(site.worker.run { tested.heard[other]?.last == "closed" && tested.after.last == "closed" })
            #expect(tested.bytes[stream] == Site.bodyBytes)
        case .finish:
            #expect(site.worker.run { tested.after.last == "closed" })
            // An exchange of HTTP/1.1 is over with its answer.
            guard way.speaks == .http2 || !way.isServer else { break }
            #expect(tested.bytes[stream] == Site.bodyBytes)
            #expect(tested.heard[stream]!.filter { $0 == "ended" } == ["ended"])
        }
        for heard in tested.heard.values { #expect(heard.filter { $0 == "closed" }.count <= 1) }
        if pair.deed != .closeOther { #expect(tested.heard[other]?.contains("closed") != true) }
        site.end()
        #expect(site.worker.context.streams.liveCount == 0)
        #expect(site.worker.context.chunks.bytesInUse == 0)
    }

    @Test("body bytes lie in the buffer that they name", arguments: ways)
    func namedBuffers(way: Way) throws {
        let site = try Site(way)
        _ = try site.exchange()
        #expect(site.worker.run { site.tested.heard.values.first?.last == "closed" })
        let stream = try #require(site.tested.bytes.keys.first)
        #expect(site.tested.bytes[stream] == Site.bodyBytes)
        let named = site.tested.namedBytes[stream, default: 0]
        // What HTTP/1.1 may not read yet is put aside, and has then no buffer to be kept with.
        #expect(way.speaks == .http2 ? named == Site.bodyBytes : named > 0)
        #expect(site.tested.strayBytes == 0)
        site.end()
    }

    /// Notes what it hears; answers requests; does its deed once.
    final class Handler: StreamHandler {
        var event: Event?
        var deed = Deed.reset
        /// A stream on another connection.
        var other: StreamPointer?
        var heard: [StreamPointer: [String]] = [:]
        var bytes: [StreamPointer: Int] = [:]
        /// Of these, what lies in the buffer that it names.
        var namedBytes: [StreamPointer: Int] = [:]
        /// What lies elsewhere than it says.
        var strayBytes = 0
        var drained: [StreamPointer: Int] = [:]
        /// The stream on which it has done its deed, and what it heard of it since.
        private(set) var done: StreamPointer?
        private(set) var after: [String] = []
        private(set) var answered: StreamPointer?
        /// Answers at the head of a request, not at its end.
        var answersEarly = false

        private func hear(_ what: String, _ stream: StreamPointer) {
            heard[stream, default: []].append(what)
            if stream == done { after.append(what) }
            guard done == nil, stream != other, let event, what == event.rawValue else { return }
            done = stream
            switch deed {
            case .reset: stream.connection { $0.reset(stream, .cancel) }
            case .letGo: stream.handler = nil
            case .closeConnection: stream.connection { $0.channel.abort() }
            case .closeOther: other!.connection { $0.channel.abort() }
            case .finish:
                if isRequest(stream) { answer(stream) } else { stream.connection { $0.finish(stream) } }
            }
        }

        private func isRequest(_ stream: StreamPointer) -> Bool { stream.fields.first(.method) != nil }

        func streamInformational(_ stream: StreamPointer) { hear("informational", stream) }

        func streamHead(_ stream: StreamPointer, ended: Bool) {
            hear("head", stream)
            if isRequest(stream), answersEarly, stream.fields.text(":path") != "/held" { answer(stream) }
        }

        func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
            bytes[stream, default: 0] += slice.count
            if let buffer = slice.buffer {
                if buffer.memory.holds(slice.bytes) {
                    namedBytes[stream, default: 0] += slice.count
                } else {
                    strayBytes += slice.count
                }
            }
            if heard[stream]?.last != "data" || stream == done { hear("data", stream) }
            stream.connection { $0.consumed(stream, slice.count) }
        }

        func streamEnded(_ stream: StreamPointer) {
            hear("ended", stream)
            if isRequest(stream) { answer(stream) }
        }

        func streamDrained(_ stream: StreamPointer, _ count: Int) {
            drained[stream, default: 0] += count
            hear("drained", stream)
        }

        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { hear("closed", stream) }

        /// 103, a head, a body and trailers, all at once.
        private func answer(_ stream: StreamPointer) {
            guard answered != stream else { return }
            answered = stream
            stream.serverConnection {
                $0.inform(stream, UnsafeBufferPointer(stream.fields.keepFields([(":status", "103")])))
                $0.respond(stream, UnsafeBufferPointer(stream.fields.keepFields([(":status", "200")])), ended: false)
                Site.body.withUnsafeBytes { body in stream.connection { $0.send(stream, body) } }
                $0.finish(stream, trailers: stream.fields.keepFields([("x-last", "1")]))
            }
        }
    }

    /// A server and a client on one loop, over real sockets; one of the two is tested.
    final class Site: ClientConnectionOwner {
        /// More than a stream's window, so that the sender needs what is given back.
        static let bodyBytes = 300 << 10
        static let body = [UInt8](repeating: 7, count: bodyBytes)

        let worker: TestWorker
        let tested = Handler()
        let peer = Handler()
        private let way: Way
        private let server: HTTPServer
        private let listener: ListeningSocket
        private var connections: [ClientConnection] = []
        private var isOpen = false

        init(_ way: Way) throws {
            self.way = way
            worker = try TestWorker()
            var settings = HTTPServerSettings.defaults
            settings.protocols = [.http2, .http1]
            let server = HTTPServer(
                name: "test", settings: settings, handler: way.isServer ? tested : peer, context: worker.context)
            if way.isSecure { server.tls = try TestTLS.server([way.speaks]) }
            self.server = server
            listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { _ = server.serve($0) }
        }

        private var client: Handler { way.isServer ? peer : tested }
        private var requestHandler: Handler { way.isServer ? tested : peer }

        private func begin(_ path: String) throws -> (StreamPointer, ClientConnection) {
            isOpen = false
            let tls = way.isSecure ? (try TestTLS.client([way.speaks]), ServerName("a.test")!) : nil
            let connection = try ClientConnection(
                to: listener.address, tls: tls, speaking: way.speaks, limits: .defaults, streamLimit: 10, context: worker.context,
                owner: self)
            connections.append(connection)
            #expect(worker.run { isOpen })
            let stream = try connection.makeStream()
            let head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "a.test")]
            try connection.submit(
                stream, UnsafeBufferPointer(stream.fields.keepFields(head)), ended: false,
                handler: UnownedReference(client), context: nil)
            return (stream, connection)
        }

        /// An exchange that has begun, and goes no further.
        /// - Returns: its stream on the tested side.
        func beginHeld() throws -> StreamPointer {
            let (stream, _) = try begin("/held")
            #expect(worker.run { requestHandler.heard.count == 1 })
            return way.isServer ? requestHandler.heard.keys.first! : stream
        }

        /// An exchange of which the peer sends its half to the end.
        /// - Returns: the peer's stream, where the peer is the client.
        func exchange() throws -> StreamPointer? {
            let isLate = !way.isServer && tested.deed == .finish
            requestHandler.answersEarly = isLate
            let (stream, connection) = try begin("/tested")
            if way.isServer {
                Self.body.withUnsafeBytes { connection.send(stream, $0) }
            } else {
                [UInt8]([1, 2, 3]).withUnsafeBytes { connection.send(stream, $0) }
            }
            if !isLate { connection.finish(stream) }
            return way.isServer ? stream : nil
        }

        func end() {
            for connection in connections { connection.channel.abort() }
            server.end()
            listener.close()
            worker.settle()
        }

        func clientConnectionOpened(_ connection: ClientConnection) { isOpen = true }
        func clientConnectionHasRoom(_ connection: ClientConnection) {}
        func clientConnectionDraining(_ connection: ClientConnection) {}
        func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {}
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func holds(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (start, first) = (UnsafeRawPointer(baseAddress!), bytes.baseAddress!)
        return first >= start && first + bytes.count <= start + count
    }
}
