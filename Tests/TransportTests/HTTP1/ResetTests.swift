import Bytes
import GRPCTesting
import Glibc
import HTTPModel
import HTTPTesting
import Net
import Reactor
import Sockets
import TLS
import Testing

@testable import Transport

/// Calls over HTTP/1.1 that are reset while the socket takes nothing.
@Suite("HTTP/1.1: resets beside a full socket")
struct ResetTests {
    /// A peer that reads nothing.
    private final class DeafPeer: ByteChannelDelegate {
        let channel: ByteChannel
        private(set) var hasEnded = false

        init(_ channel: ByteChannel) {
            self.channel = channel
            channel.attach(self)
            if channel.isOpen { channel.pauseReading() }
        }

        func channelOpened() { channel.pauseReading() }
        func channelReceived(_ input: BufferSlice) {}
        func channelProduce(into output: inout GatherBuffer, limit: Int) {}
        func channelClosed(_ end: ChannelEnd) { hasEnded = true }
    }

    private final class Owner: ClientConnectionOwner {
        var isOpen = false
        var isDraining = false
        var isClosed = false

        func clientConnectionOpened(_ connection: ClientConnection) { isOpen = true }
        func clientConnectionHasRoom(_ connection: ClientConnection) {}
        func clientConnectionDraining(_ connection: ClientConnection) { isDraining = true }
        func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) { isClosed = true }
    }

    @Test(
        "a call to a server that reads nothing ends in the tick of its reset, and its connection with it", arguments: [false, true])
    func client(isSecure: Bool) throws {
        let worker = try TestWorker()
        let (owner, recorder, tls) = (Owner(), StreamRecorder(), isSecure ? try TestTLS.server([.http1]) : nil)
        var peer: DeafPeer?
        let listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { socket in
            peer = (try? ByteChannel(socket, tls: tls, on: worker.loop, scratch: worker.context.scratch)).map { DeafPeer($0) }
        }
        let connection = try ClientConnection(
            to: listener.address, tls: isSecure ? (try TestTLS.client([.http1]), ServerName("a.test")!) : nil, speaking: .http1,
            limits: .defaults, streamLimit: 1, context: worker.context, owner: owner)
        #expect(worker.run { owner.isOpen && peer != nil })
        let stream = try connection.makeStream()
        let head = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a.test")]
        try connection.submit(
            stream, UnsafeBufferPointer(stream.fields.keepFields(head)), ended: false,
            handler: UnownedReference(recorder), context: nil)
        let body = [UInt8](repeating: 1, count: 1 << 20)
        for _ in 0..<16 { body.withUnsafeBytes { connection.send(stream, $0) } }
        worker.settle()
        #expect(connection.channel.pendingBytes > 0)

        connection.reset(stream, .cancel)
        #expect(recorder.events.isEmpty, "not within the call")
        worker.loop.tick(wait: false)
        #expect(recorder.events == ["closed reset(8)"])
        #expect(owner.isDraining && owner.isClosed)
        peer?.channel.resumeReading()
        #expect(worker.run { peer?.hasEnded == true })
        listener.close()
        #expect(worker.context.streams.liveCount == 0 && worker.context.chunks.bytesInUse == 0)
    }

    @Test("an answer to a caller that reads nothing ends in the tick of its reset; what the socket has not taken still goes out")
    func server() throws {
        let served = try HTTPServerTests.Served(sendBuffer: 4096) { $0.protocols = [.http1] }
        let plain = served.plain(receiveBuffer: 4096)
        plain.write(Array("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n".utf8))
        #expect(served.worker.run { served.handler.begun == 1 })
        served.worker.settle()
        let stream = try #require(served.handler.live.first)
        #expect(stream.connection { $0.channel.pendingBytes } > 0)

        stream.connection { $0.reset(stream, .cancel) }
        served.worker.loop.tick(wait: false)
        #expect(served.handler.closed == [.reset(8)])
        #expect(served.worker.context.streams.liveCount == 0 && served.worker.context.chunks.bytesInUse == 0)
        #expect(served.server.connectionCount == 1)
        let received = plain.readAll(served.worker)
        #expect(received.starts(with: "HTTP/1.1 200".utf8))
        // The body is cut, and its last chunk is missing.
        #expect(!received.suffix(5).elementsEqual("0\r\n\r\n".utf8) && received.count < 8 << 20)
        shutdown(plain.descriptor, Int32(SHUT_WR))
        #expect(served.worker.run { served.server.connectionCount == 0 })
    }

    @Test("an answer whose end would be the connection's is cut off at once")
    func untilClose() throws {
        let served = try HTTPServerTests.Served(sendBuffer: 4096) { $0.protocols = [.http1] }
        let plain = served.plain(receiveBuffer: 4096)
        plain.write(Array("GET /flood HTTP/1.0\r\nhost: a\r\n\r\n".utf8))
        #expect(served.worker.run { served.handler.begun == 1 })
        served.worker.settle()
        let stream = try #require(served.handler.live.first)
        stream.connection { $0.reset(stream, .cancel) }
        served.worker.loop.tick(wait: false)
        #expect(served.handler.closed == [.reset(8)])
        #expect(served.server.connectionCount == 0)
    }
}
