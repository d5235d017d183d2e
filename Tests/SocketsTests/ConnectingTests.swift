import Glibc
import Net
import Reactor
import Testing

@testable import Sockets

/// Real sockets on this machine.
@Suite struct ConnectingTests {
    @Test("a listener on port 0 says which it got, and accepts", arguments: ["127.0.0.1:0", "[::1]:0"])
    func accepts(text: String) throws {
        let world = try World()
        var servers: [End] = []
        // Not every machine has IPv6.
        guard (try? PortReservation(SocketAddress(text)!)) != nil else { return }
        let listener = try ListeningSocket(on: world.loop, at: SocketAddress(text)!) {
            servers.append(End(try! ByteChannel($0, on: world.loop, scratch: world.scratch)))
        }
        defer { listener.close() }
        #expect(listener.address.port != 0)
        let client = End(try ByteChannel(connectingTo: listener.address, on: world.loop, scratch: world.scratch))
        #expect(world.run { client.opened == 1 && servers.count == 1 })
        client.say([1, 2, 3])
        #expect(world.run { servers[0].received == [1, 2, 3] })
        #expect(servers[0].channel.peer?.host == listener.address.host)
        #expect(servers[0].opened == 0)
        client.channel.close()
        #expect(world.run { servers[0].closed == [.peer] })
        #expect(client.closed == [.local])
    }

    @Test("a Unix socket's path is made, connected to, and removed when the listener closes")
    func unixSocket() throws {
        let world = try World()
        let path = "/tmp/martlet-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        var accepted = 0
        let listener = try ListeningSocket(on: world.loop, at: .unix(path)) {
            accepted += 1
            $0.refuse()
        }
        let client = End(try ByteChannel(connectingTo: .unix(path), on: world.loop, scratch: world.scratch))
        #expect(world.run { client.closed == [.peer] })
        #expect(accepted == 1)
        #expect(access(path, F_OK) == 0)
        listener.close()
        #expect(access(path, F_OK) != 0)
        #expect(throws: SystemError.self) {
            try ByteChannel(connectingTo: .unix(path), on: world.loop, scratch: world.scratch)
        }
    }

    @Test("an address where nobody listens is unreachable")
    func refused() throws {
        let world = try World()
        // Bound and not listening: nobody else can get the port meanwhile.
        let reservation = try PortReservation(SocketAddress("127.0.0.1:0")!)
        let client = End(try ByteChannel(connectingTo: reservation.address, on: world.loop, scratch: world.scratch))
        #expect(world.run { !client.closed.isEmpty })
        #expect(client.closed == [.unreachable(ECONNREFUSED)])
        #expect(client.opened == 0)
    }

    @Test("what is closed while it connects never opens")
    func closedWhileConnecting() throws {
        let world = try World()
        let listener = try ListeningSocket(on: world.loop, at: SocketAddress("127.0.0.1:0")!) { $0.refuse() }
        defer { listener.close() }
        let client = End(try ByteChannel(connectingTo: listener.address, on: world.loop, scratch: world.scratch))
        client.channel.close()
        world.settle()
        #expect(client.closed == [.local])
        #expect(client.opened == 0)
    }

    @Test("a reset is told with its errno")
    func reset() throws {
        let world = try World()
        var accepted: RawSocket?
        let listener = try ListeningSocket(on: world.loop, at: SocketAddress("127.0.0.1:0")!) {
            accepted = RawSocket($0.descriptor)
        }
        defer { listener.close() }
        let client = End(try ByteChannel(connectingTo: listener.address, on: world.loop, scratch: world.scratch))
        #expect(world.run { accepted != nil && client.opened == 1 })
        accepted?.breakOff()
        #expect(world.run { !client.closed.isEmpty })
        #expect(client.closed == [.broken(ECONNRESET)])
    }

    @Test("several listeners share an address that is reserved, and one that is taken by others is an error")
    func sharedAddress() throws {
        let world = try World()
        let reservation = try PortReservation(SocketAddress("127.0.0.1:0")!)
        var accepted = 0
        let listeners = try (0..<3).map { _ in
            try ListeningSocket(on: world.loop, at: reservation.address, isReserved: true) {
                accepted += 1
                $0.refuse()
            }
        }
        #expect(listeners.allSatisfy { $0.address == reservation.address })
        let clients = try (0..<20).map { _ in
            End(try ByteChannel(connectingTo: reservation.address, on: world.loop, scratch: world.scratch))
        }
        #expect(throws: SystemError.self, "another process would share it unawares") {
            try PortReservation(reservation.address)
        }
        #expect(throws: SystemError.self) { try ListeningSocket(on: world.loop, at: reservation.address) { $0.refuse() } }
        #expect(world.run { accepted == 20 && clients.allSatisfy { $0.closed == [.peer] } })
        for listener in listeners { listener.close() }
        #expect(throws: SystemError.self) { try PortReservation(SocketAddress("203.0.113.1:0")!) }
    }

    @Test("a dead socket's path is taken over; one that is listened on, and a file that is none, are left alone")
    func takenPath() throws {
        let world = try World()
        var template = Array("/tmp/martlet-sockets-XXXXXX".utf8CString)
        let folder = String(cString: mkdtemp(&template)!)
        defer { rmdir(folder) }
        let path = "\(folder)/socket"
        defer { unlink(path) }
        let address = SocketAddress.unix(path)

        let living = try ListeningSocket(on: world.loop, at: address) { $0.refuse() }
        #expect(throws: SystemError.self) { try PortReservation(address) }
        #expect(throws: SystemError.self) { try ListeningSocket(on: world.loop, at: address) { $0.refuse() } }
        #expect(access(path, F_OK) == 0)
        living.close()
        #expect(access(path, F_OK) != 0)

        // What a process leaves that was killed: bound, and nobody listens.
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(address.withSockaddr { bind(dead, $0, $1) } == 0)
        close(dead)
        try ListeningSocket(on: world.loop, at: address) { $0.refuse() }.close()

        close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: SystemError.self) { try PortReservation(address) }
        #expect(throws: SystemError.self) { try ListeningSocket(on: world.loop, at: address) { $0.refuse() } }
        #expect(access(path, F_OK) == 0)
    }

    @Test("names are looked up off the loop, and unknown ones have no address")
    func resolver() throws {
        let world = try World()
        let resolver = SystemResolver(on: world.loop)
        var answers: [String: [SocketAddress]] = [:]
        resolver.resolve("localhost") { answers["localhost"] = $0 }
        resolver.resolve("127.0.0.1") { answers["digits"] = $0 }
        while answers.count < 2 { world.loop.tick(wait: true) }
        #expect(answers["digits"] == [.ipv4(0x7f00_0001, port: 0)])
        #expect(answers["localhost"]?.isEmpty == false)
        #expect(SystemResolver.resolveNow("a name with spaces").isEmpty)
    }
}
