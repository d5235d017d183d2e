import Bytes
import GRPCTesting
import Glibc
import HTTPModel
import Net
import Reactor
import Sockets
import Testing
import Time

@testable import Transport

/// A server and its callers on one loop, over real sockets, on a clock that the test moves.
@Suite struct HTTPServerTests {
    /// Answers `/echo` with what it gets, `/flood` with eight megabytes, and `/silent` never.
    final class Handler: StreamHandler {
        var begun = 0
        var closed: [StreamClose] = []
        var idle = 0
        var stalled = 0
        var endsConnectionWhenIdle = false
        var live: Set<StreamPointer> = []

        func streamHead(_ stream: StreamPointer, ended: Bool) {
            begun += 1
            live.insert(stream)
            guard let path = stream.fields.first(.path)?.valueText, path != "/silent" else { return }
            respond(stream, ended: false)
            if path == "/flood" {
                let bytes = [UInt8](repeating: 1, count: 8 << 20)
                bytes.withUnsafeBytes { bytes in stream.connection { $0.send(stream, bytes) } }
            }
        }

        func respond(_ stream: StreamPointer, ended: Bool) {
            let fields = stream.fields.reserveFields(1)
            fields.initializeElement(at: 0, to: Field(":status", "200", token: .status))
            stream.serverConnection { $0.respond(stream, UnsafeBufferPointer(fields), ended: ended) }
        }

        func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
            stream.connection {
                $0.consumed(stream, slice.count)
                $0.send(stream, slice.bytes)
            }
        }

        func streamEnded(_ stream: StreamPointer) { stream.connection { $0.finish(stream) } }
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
            live.remove(stream)
            closed.append(reason)
        }

        func streamIdle(_ stream: StreamPointer) -> Bool {
            idle += 1
            if endsConnectionWhenIdle { stream.connection { $0.channel.abort() } }
            return false
        }

        func streamStalled(_ stream: StreamPointer) { stalled += 1 }
    }

    final class Served {
        let worker: TestWorker
        let handler = Handler()
        let server: HTTPServer
        let listener: ListeningSocket

        /// - Parameter sendBuffer: of accepted sockets, in bytes.
        init(sendBuffer: Int32? = nil, _ change: (inout HTTPServerSettings) -> Void = { _ in }) throws {
            let worker = try TestWorker()
            var settings = HTTPServerSettings.defaults
            change(&settings)
            let server = HTTPServer(name: "test", settings: settings, handler: handler, context: worker.context)
            listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) {
                if var size = sendBuffer { setsockopt($0.descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4) }
                _ = server.serve($0)
            }
            self.worker = worker
            self.server = server
        }

        func caller() throws -> TestCaller { try TestCaller(to: listener.address, worker: worker) }

        /// A socket of the test's own, connected and accepted.
        func plain(receiveBuffer: Int32? = nil) -> Plain {
            let plain = Plain(to: listener.address, receiveBuffer: receiveBuffer)
            let before = server.connectionCount
            _ = worker.run { server.connectionCount > before }
            return plain
        }

        deinit {
            listener.close()
            server.end()
        }
    }

    /// A client that speaks by hand.
    final class Plain {
        let descriptor: Int32

        init(to address: SocketAddress, receiveBuffer: Int32?) {
            descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
            if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
            let descriptor = descriptor
            let result = address.withSockaddr { connect(descriptor, $0, $1) }
            precondition(result == 0)
        }

        func write(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { System.write(descriptor, $0) } }

        /// Everything up to the server's end.
        func readAll(_ worker: TestWorker) -> [UInt8] {
            var (received, piece) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
            _ = worker.run {
                let count = recv(descriptor, &piece, piece.count, Int32(MSG_DONTWAIT))
                if count > 0 { received += piece[..<count] }
                return count == 0
            }
            return received
        }

        /// Preface, settings with the largest windows, and a request.
        static func request(_ path: String) -> [UInt8] {
            var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            bytes += [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]
            bytes += [0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0]
            var block: [UInt8] = [0x83, 0x86]
            for (name, value) in [(":path", path), (":authority", "a")] {
                block += [0, UInt8(name.utf8.count)] + Array(name.utf8)
                block += [UInt8(value.utf8.count)] + Array(value.utf8)
            }
            return bytes + [0, 0, UInt8(block.count), 1, 4, 0, 0, 0, 1] + block
        }

        deinit { close(descriptor) }
    }

    @Test("bodies of any length come back, over one connection and many streams")
    func echoes() throws {
        let served = try Served()
        let caller = try served.caller()
        let calls = (0..<50).map { index -> TestCall in
            let call = caller.begin("/echo")
            call.send([UInt8](repeating: UInt8(index), count: index * 5000))
            call.finish()
            return call
        }
        #expect(served.worker.run { calls.allSatisfy { $0.isGone } })
        #expect(calls.map(\.bodyBytes) == (0..<50).map { $0 * 5000 })
        #expect(served.server.connectionCount == 1)
        #expect(served.worker.context.streams.liveCount == 0)
        #expect(served.worker.context.chunks.bytesInUse == 0)
    }

    @Test("a caller whose stream is not read holds up no other stream of the connection")
    func slowReader() throws {
        let served = try Served()
        let caller = try served.caller()
        let slow = caller.begin("/flood")
        slow.isHolding = true
        served.worker.settle()
        for _ in 0..<5 {
            let call = caller.begin("/echo")
            call.send([UInt8](repeating: 1, count: 200_000))
            call.finish()
            #expect(served.worker.run { call.isGone })
            #expect(call.bodyBytes == 200_000)
        }
        #expect(slow.bodyBytes <= 256 << 10)
        slow.isHolding = false
        #expect(served.worker.run { slow.bodyBytes == 8 << 20 })
    }

    @Test("a caller that goes away ends its streams, and what waited for it is given back")
    func callerGone() throws {
        let served = try Served()
        let caller = try served.caller()
        let call = caller.begin("/flood")
        call.isHolding = true
        served.worker.settle()
        caller.connection.channel.abort()
        #expect(served.worker.run { served.server.connectionCount == 0 })
        #expect(served.handler.closed == [.connectionLost])
        #expect(call.close == .connectionLost)
        #expect(served.worker.context.chunks.bytesInUse == 0)
        #expect(served.worker.context.streams.liveCount == 0)
    }

    @Test("draining: running streams finish, new ones are told they were not processed, and the connection closes")
    func drains() throws {
        let served = try Served()
        let caller = try served.caller()
        let running = caller.begin("/echo")
        running.send([1, 2, 3])
        #expect(served.worker.run { running.bodyBytes == 3 })
        served.server.beginDrain()
        #expect(served.worker.run { caller.connection.isDraining })
        #expect(!caller.connection.hasRoom)
        served.worker.settle()
        #expect(served.server.connectionCount == 1)
        running.send([4])
        running.finish()
        #expect(served.worker.run { running.isGone })
        #expect(running.bodyBytes == 4)
        #expect(running.close == .complete)
        #expect(served.worker.run { served.server.connectionCount == 0 && caller.isClosed })
        // Nobody new is taken in.
        let late = Plain(to: served.listener.address, receiveBuffer: nil)
        served.worker.settle()
        #expect(served.server.connectionCount == 0)
        withExtendedLifetime(late) {}
    }

    @Test("a request on its way while the drain is announced is still served")
    func onItsWay() throws {
        let served = try Served()
        let caller = try served.caller()
        served.worker.settle()
        served.server.beginDrain()
        let call = caller.begin("/echo")
        call.finish()
        #expect(served.worker.run { call.isGone })
        #expect(call.close == .complete)
        #expect(served.worker.run { caller.isClosed })
    }

    @Test("a peer that does not answer the drain's PING is named its last stream a second later")
    func silentWhileDraining() throws {
        let served = try Served()
        let plain = served.plain()
        plain.write(Plain.request("/silent"))
        #expect(served.worker.run { served.handler.begun == 1 })
        served.server.beginDrain()
        served.worker.settle()
        #expect(served.server.connectionCount == 1)
        served.worker.advance(by: .seconds(3))
        // Named, and waiting for the stream that runs.
        #expect(served.server.connectionCount == 1)
        plain.write([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8])
        served.worker.settle()
        // It may still read what it was told; a peer that then does not close is not waited for.
        served.worker.advance(by: .seconds(4))
        #expect(served.server.connectionCount == 0)
    }

    @Test("a connection that says nothing ends after `handshake`")
    func neverGreets() throws {
        let served = try Served { $0.handshake = .seconds(10) }
        let plain = served.plain()
        served.worker.advance(by: .seconds(9))
        #expect(served.server.connectionCount == 1)
        served.worker.advance(by: .seconds(3))
        #expect(served.server.connectionCount == 0)
        withExtendedLifetime(plain) {}
    }

    @Test("a connection without streams is told to go after `idle`, and not while a stream runs")
    func idle() throws {
        let served = try Served {
            $0.idle = .seconds(60)
            $0.streamIdle = nil
        }
        let caller = try served.caller()
        let call = caller.begin("/echo")
        served.worker.advance(by: .seconds(100))
        #expect(served.server.connectionCount == 1)
        call.finish()
        #expect(served.worker.run { call.isGone })
        served.worker.advance(by: .seconds(50))
        #expect(!caller.isClosed)
        served.worker.advance(by: .seconds(15))
        #expect(served.worker.run { caller.isClosed })
    }

    @Test("a stream on which nothing moves is handed to its handler after `stream_idle`; one that moves is not")
    func streamIdle() throws {
        let served = try Served { $0.streamIdle = .seconds(30) }
        let caller = try served.caller()
        let silent = caller.begin("/silent")
        let moving = caller.begin("/echo")
        for _ in 0..<4 {
            moving.send([1])
            served.worker.advance(by: .seconds(10))
        }
        #expect(served.handler.idle == 1)
        #expect(silent.close == .reset(8))
        #expect(moving.close == nil)
        #expect(moving.bodyBytes == 4)
    }

    @Test("a stream whose output makes no progress is reset after `stall`, its connection is not")
    func stalledStream() throws {
        let served = try Served { $0.stall = .seconds(30) }
        let caller = try served.caller()
        let slow = caller.begin("/flood")
        slow.isHolding = true
        served.worker.advance(by: .seconds(25))
        #expect(slow.close == nil)
        served.worker.advance(by: .seconds(15))
        #expect(served.worker.run { slow.isGone })
        #expect(served.handler.stalled == 1)
        #expect(slow.close == .reset(8))
        #expect(!caller.isClosed)
        #expect(served.worker.context.chunks.bytesInUse == 0)
    }

    @Test("the time of `stall` begins when bytes begin to wait, however long the stream was silent before")
    func stalledAfterSilence() throws {
        let served = try Served {
            $0.stall = .seconds(30)
            $0.streamIdle = nil
        }
        let caller = try served.caller()
        let call = caller.begin("/echo")
        served.worker.advance(by: .seconds(300))
        call.isHolding = true
        call.send([UInt8](repeating: 0, count: 600 << 10))
        served.worker.advance(by: .seconds(20))
        #expect(call.close == nil)
        // What still arrives is no progress of what waits.
        for _ in 0..<4 {
            call.send([1])
            served.worker.advance(by: .seconds(10))
        }
        #expect(served.worker.run { call.isGone })
        #expect(call.close == .reset(8))
    }

    @Test("a handler may end its connection when it hears that one of its streams is idle")
    func endsWhenIdle() throws {
        let served = try Served { $0.streamIdle = .seconds(10) }
        served.handler.endsConnectionWhenIdle = true
        let caller = try served.caller()
        let calls = (0..<3).map { _ in caller.begin("/silent") }
        #expect(served.worker.run { served.handler.begun == 3 })
        served.worker.advance(by: .seconds(20))
        #expect(served.handler.idle == 1)
        #expect(served.handler.closed == [.connectionLost, .connectionLost, .connectionLost])
        #expect(served.worker.run { calls.allSatisfy(\.isGone) })
        #expect(served.server.connectionCount == 0 && served.worker.context.streams.liveCount == 0)
    }

    @Test("a peer that reads nothing at all is cut off after `stall`, with streams or without", arguments: [false, true])
    func stalledConnection(resetsItsStream: Bool) throws {
        let served = try Served(sendBuffer: 4096) { $0.stall = .seconds(30) }
        let plain = served.plain(receiveBuffer: 4096)
        plain.write(Plain.request("/flood"))
        #expect(served.worker.run { served.handler.begun == 1 })
        served.worker.settle()
        if resetsItsStream {
            plain.write([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8])
            #expect(served.worker.run { !served.handler.closed.isEmpty })
        }
        served.worker.advance(by: .seconds(25))
        #expect(served.server.connectionCount == 1)
        // The kernel may take some more bytes late, each of which is progress.
        for _ in 0..<20 where served.server.connectionCount > 0 { served.worker.advance(by: .seconds(10)) }
        #expect(served.server.connectionCount == 0)
        #expect(served.worker.context.chunks.bytesInUse == 0)
    }

    @Test("what is not HTTP/2 is answered with GOAWAY or an end, and disturbs nobody else")
    func rubbish() throws {
        let served = try Served()
        let caller = try served.caller()
        let running = caller.begin("/echo")
        for rubbish in ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}\u{1}\u{6}\u{0}\u{0}\u{0}\u{0}\u{0}x"]
        {
            let plain = served.plain()
            plain.write(Array(rubbish.utf8))
            served.worker.settle()
            // Who is told what was wrong has a moment to close.
            served.worker.advance(by: .seconds(3))
            #expect(served.server.connectionCount == 1)
        }
        running.send([1])
        running.finish()
        #expect(served.worker.run { running.isGone })
        #expect(running.bodyBytes == 1)
    }
}
