import Bytes
import GRPCTesting
import HTTPModel
import Net
import Sockets
import TLS
import Testing

@testable import Transport

/// What a stream hears when its connection ends behind bytes that it has had no room for.
@Suite("The end of a connection")
struct ConnectionEndTests {
    private final class Caller: StreamHandler, ClientConnectionOwner {
        var isOpen = false
        var bytes = 0
        var events: [String] = []

        func clientConnectionOpened(_ connection: ClientConnection) { isOpen = true }
        func clientConnectionHasRoom(_ connection: ClientConnection) {}
        func clientConnectionLeaving(_ connection: ClientConnection) {}
        func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {}

        func streamHead(_ stream: StreamPointer, ended: Bool) { events.append("head") }
        /// Accepts nothing.
        func streamData(_ stream: StreamPointer, _ data: UnsafeRawBufferPointer) { bytes += data.count }
        func streamEnded(_ stream: StreamPointer) { events.append("ended") }
        func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { events.append("closed \(reason)") }
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
        func channelReceived(_ bytes: UnsafeRawBufferPointer) {
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
        let (caller, tls) = (Caller(), try TestTLS.server([.http1]))
        var answerer: Answerer?
        let listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { socket in
            let channel = try? ByteChannel(socket, tls: tls, on: worker.loop, scratch: worker.context.scratch)
            answerer = channel.map { Answerer($0) }
        }
        var limits = ConnectionLimits.defaults
        limits.streamWindowBytes = 8 << 10
        let connection = try ClientConnection(
            to: listener.address, tls: (try TestTLS.client([.http1]), ServerName("a.test")!), speaking: .http1, limits: limits,
            streamLimit: 1, context: worker.context, owner: caller)
        #expect(worker.run { caller.isOpen })
        let stream = try connection.makeStream()
        let fields = stream.pointee.fields.reserveFields(4)
        for (index, field) in [
            Field(":method", "GET", token: .method), Field(":scheme", "https", token: .scheme), Field(":path", "/", token: .path),
            Field(":authority", "a.test", token: .authority),
        ].enumerated() { fields.initializeElement(at: index, to: field) }
        try connection.submit(
            stream, UnsafeBufferPointer(fields), ended: true, handler: UnownedReference(caller), context: nil)
        #expect(worker.run { caller.events.last?.hasPrefix("closed") == true })
        #expect(caller.events == ["head", "ended", "closed complete"])
        #expect(caller.bytes == Answerer.chunks * 1024)
        answerer?.channel.abort()
        listener.close()
        worker.settle()
        #expect(worker.context.streams.liveCount == 0)
    }
}
