import Bytes
import GRPCTesting
import HTTPModel
import HTTPTesting
import Net
import Sockets
import TLS
import Testing

@testable import Transport

/// What a stream hears when its connection ends behind bytes that it has had no room for.
@Suite("The end of a connection")
struct ConnectionEndTests {
    private final class Owner: ClientConnectionOwner {
        var isOpen = false

        func clientConnectionOpened(_ connection: ClientConnection) { isOpen = true }
        func clientConnectionHasRoom(_ connection: ClientConnection) {}
        func clientConnectionDraining(_ connection: ClientConnection) {}
        func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {}
    }

    /// Answers the first bytes that come with chunks of a kibibyte, and closes behind them.
    private final class Answerer: ByteChannelDelegate {
        static let chunks = 64
        let channel: ByteChannel
        private var answer: [UInt8] = []

        init(_ channel: ByteChannel) {
            self.channel = channel
            channel.attach(self)
        }

        func channelOpened() {}
        func channelReceived(_ input: BufferSlice) {
            let chunk = "400\r\n\(String(repeating: "x", count: 1024))\r\n"
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            answer = Array((head + String(repeating: chunk, count: Self.chunks) + "0\r\n\r\n").utf8)
            channel.markDirty()
        }
        func channelProduce(into output: inout GatherBuffer, limit: Int) {
            guard !answer.isEmpty else { return }
            output.bytes.append(answer)
            answer = []
            channel.close()
        }
        func channelClosed(_ end: ChannelEnd) {}
    }

    @Test("an HTTP/1.1 answer that was complete is complete, though its caller was slow and the end came in the same read")
    func completeAnswer() throws {
        let worker = try TestWorker()
        // Accepts nothing of the body.
        let (owner, recorder, tls) = (Owner(), StreamRecorder(), try TestTLS.server([.http1]))
        var answerer: Answerer?
        let listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { socket in
            let channel = try? ByteChannel(socket, tls: tls, on: worker.loop, scratch: worker.context.scratch)
            answerer = channel.map { Answerer($0) }
        }
        var limits = ConnectionLimits.defaults
        limits.streamWindowBytes = 8 << 10
        let connection = try ClientConnection(
            to: listener.address, tls: (try TestTLS.client([.http1]), ServerName("a.test")!), speaking: .http1, limits: limits,
            streamLimit: 1, context: worker.context, owner: owner)
        #expect(worker.run { owner.isOpen })
        let stream = try connection.makeStream()
        let head = [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a.test")]
        try connection.submit(
            stream, UnsafeBufferPointer(stream.fields.keepFields(head)), ended: true, handler: UnownedReference(recorder),
            context: nil)
        #expect(worker.run { recorder.events.last?.hasPrefix("closed") == true })
        #expect(recorder.events == ["head :status=200", "ended", "closed complete"])
        #expect(recorder.body.count == Answerer.chunks * 1024)
        answerer?.channel.abort()
        listener.close()
        worker.settle()
        #expect(worker.context.streams.liveCount == 0)
    }
}
