import Bytes
import Glibc
import Net
import Reactor
import TLS
import Testing

@testable import Sockets

@Suite struct SecureChannelTests {
    /// Two channels with TLS and a wire between them that the test holds: it carries `step` bytes at a time.
    final class Wire {
        let world: World
        let client: End
        let server: End
        private var listener: ListeningSocket?
        private var clientSide: RawSocket?
        let serverSide: RawSocket
        let step: Int
        var isCut = false

        init(step: Int = .max, name: String = "a.test", smallBuffers: Bool = false) throws {
            world = try World()
            self.step = step
            let world = world
            let (socket, raw) = RawSocket.pair()
            if smallBuffers { shrinkSendBuffer(socket.descriptor) }
            serverSide = raw
            server = End(
                try ByteChannel(socket, tls: try Certificates.server(), on: world.loop, scratch: world.scratch))
            var accepted: RawSocket?
            listener = try ListeningSocket(on: world.loop, at: SocketAddress("127.0.0.1:0")!) {
                accepted = RawSocket($0.descriptor)
            }
            client = End(
                try ByteChannel(
                    connectingTo: listener!.address, tls: (try Certificates.client(), ServerName(name)!),
                    on: world.loop, scratch: world.scratch))
            _ = world.run { accepted != nil }
            clientSide = accepted
            listener?.close()
        }

        /// Carries what is there; an end on one side ends the other.
        func carry() {
            guard !isCut, let clientSide else { return }
            if let bytes = clientSide.read(min(step, 1 << 16)) { serverSide.write(bytes) } else { serverSide.endWriting() }
            if let bytes = serverSide.read(min(step, 1 << 16)) { clientSide.write(bytes) } else { clientSide.endWriting() }
        }

        func run(until isDone: () -> Bool) -> Bool {
            world.run {
                carry()
                return isDone()
            }
        }

        /// Ends the server's connection without close_notify.
        func cutServer() {
            isCut = true
            serverSide.endWriting()
        }
    }

    @Test("the handshake opens both ends once, and bytes go both ways, however they are cut", arguments: [1, 5, .max])
    func bothWays(step: Int) throws {
        let wire = try Wire(step: step)
        #expect(wire.run { wire.client.opened == 1 && wire.server.opened == 1 })
        let count = step == 1 ? 3000 : 40_000
        wire.client.say(pattern(count))
        wire.server.say(pattern(count).reversed())
        #expect(wire.run { wire.client.received.count == count && wire.server.received.count == count })
        #expect(wire.server.received == pattern(count))
        #expect(wire.client.received == pattern(count).reversed())
        #expect(wire.client.opened == 1 && wire.server.opened == 1)
        #expect(wire.client.channel.securityFacts?.version == .tls13)
        #expect(wire.server.channel.securityFacts?.applicationProtocol == .http2)
        #expect(wire.server.channel.securityFacts?.serverName == "a.test")
    }

    @Test("close_notify makes the end orderly for the other side, after its last bytes")
    func orderlyEnd() throws {
        let wire = try Wire()
        #expect(wire.run { wire.server.opened == 1 })
        wire.client.say([1, 2, 3])
        wire.client.channel.close()
        #expect(wire.run { !wire.server.closed.isEmpty })
        #expect(wire.server.received == [1, 2, 3])
        #expect(wire.server.closed == [.peer])
        #expect(wire.client.closed == [.local])
    }

    @Test("an end without close_notify is told as a truncation")
    func truncated() throws {
        let wire = try Wire()
        #expect(wire.run { wire.server.opened == 1 })
        wire.cutServer()
        #expect(wire.world.run { !wire.server.closed.isEmpty })
        #expect(wire.server.closed == [.security("the connection ended without close_notify")])
    }

    @Test("a certificate for another name is refused: the client never opens, and both sides end")
    func wrongName() throws {
        let wire = try Wire(name: "b.test")
        #expect(wire.run { !wire.client.closed.isEmpty && !wire.server.closed.isEmpty })
        #expect(wire.client.opened == 0)
        guard case .security(let reason)? = wire.client.closed.first else {
            Issue.record("ended with \(wire.client.closed)")
            return
        }
        #expect(reason.hasPrefix("certificate refused"))
    }

    @Test("a caller without TLS is ended")
    func cleartextCaller() throws {
        let world = try World()
        let (socket, raw) = RawSocket.pair()
        let server = End(try ByteChannel(socket, tls: try Certificates.server(), on: world.loop, scratch: world.scratch))
        raw.write(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
        #expect(world.run { !server.closed.isEmpty })
        #expect(server.opened == 0)
        #expect(server.received.isEmpty)
    }

    @Test("a malformed hello is answered with a fatal alert")
    func malformedHello() throws {
        let world = try World()
        let (socket, raw) = RawSocket.pair()
        let server = End(try ByteChannel(socket, tls: try Certificates.server(), on: world.loop, scratch: world.scratch))
        raw.write([22, 3, 1, 0, 5, 1, 0, 0, 1, 0])
        #expect(world.run { !server.closed.isEmpty })
        let answer = raw.read() ?? []
        #expect(answer.starts(with: [21, 3]))
        #expect(answer.dropFirst(5).first == 2)
    }

    @Test("TLS through a full socket loses nothing, and asks its delegate no further meanwhile")
    func fullSocket() throws {
        let wire = try Wire(smallBuffers: true)
        #expect(wire.run { wire.client.opened == 1 && wire.server.opened == 1 })
        let bytes = pattern(500_000)
        wire.server.say(bytes)
        wire.world.settle()
        #expect(wire.server.producedBytes <= ScratchBuffers.writeBytes)
        #expect(wire.server.channel.pendingBytes > 0)
        #expect(wire.run { wire.client.received.count == bytes.count })
        #expect(wire.client.received == bytes)
    }

    @Test("rubbish after the handshake ends the channel")
    func rubbish() throws {
        let wire = try Wire()
        #expect(wire.run { wire.server.opened == 1 })
        wire.isCut = true
        // An application-data record that does not decrypt.
        let world = wire.world
        wire.serverSide.write([23, 3, 3, 0, 32] + pattern(32))
        #expect(world.run { !wire.server.closed.isEmpty })
        guard case .security? = wire.server.closed.first else {
            Issue.record("ended with \(wire.server.closed)")
            return
        }
        #expect(wire.server.received.isEmpty)
    }
}
