import DNS
import GRPCTesting
import Net
import Reactor
import Testing
import Time

@testable import Transport

/// The resolver on a loop, with name servers on real sockets and a clock that the test moves.
@Suite struct NameResolverTests {
    private let worker: TestWorker
    private let servers: [NameServer]

    init() throws {
        worker = try TestWorker()
        servers = [try NameServer(), try NameServer()]
        for server in servers { server.names = ["backend.test": [0x0a00_0001, 0x0a00_0002]] }
    }

    private func resolver(hosts: String = "", attempts: Int = 1) -> NameResolver {
        let source = NameSource(
            settings: ResolverSettings(
                servers: servers.map(\.address), search: [], dots: 1, timeout: .seconds(2), attempts: attempts),
            hosts: HostTable(hosts))
        return NameResolver(on: worker.loop, scratch: worker.context.scratch) { source }
    }

    private func isDone(_ isDone: () -> Bool) -> Bool {
        // A look-up begins with the next turn of the timers.
        worker.clock.advance(by: .milliseconds(1))
        return worker.run {
            for server in servers { server.poll() }
            return isDone()
        }
    }

    private static let addresses = [SocketAddress.ipv4(0x0a00_0001, port: 0), .ipv4(0x0a00_0002, port: 0)]
    private static let both = Resolution.addresses(addresses, isComplete: true, ttl: .seconds(60))

    @Test("a name is answered by the first server, with the time it holds")
    func answered() {
        let resolver = resolver()
        var found: [Resolution] = []
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(found.isEmpty)
        #expect(isDone { !found.isEmpty })
        #expect(found == [Self.both])
        #expect(servers[0].asked.map(\.type).sorted() == [1, 28])
        #expect(servers[1].asked.isEmpty)
    }

    @Test("a name that is being looked up is not asked for again")
    func once() {
        let resolver = resolver()
        var found: [Resolution] = []
        for _ in 0..<3 { resolver.look(up: .host("backend.test")) { found.append($0.resolution) } }
        #expect(isDone { found.count == 3 })
        #expect(found == [Self.both, Self.both, Self.both])
        #expect(servers[0].asked.count == 2)
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { found.count == 4 })
        #expect(servers[0].asked.count == 4)
    }

    @Test("nobody is asked for what the table of hosts knows")
    func table() {
        let resolver = resolver(hosts: "192.0.2.7 backend.test")
        var found: [Resolution] = []
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { !found.isEmpty })
        #expect(found == [.addresses([.ipv4(0xc000_0207, port: 0)], isComplete: true, ttl: NameResolver.tableTTL)])
        #expect(servers[0].asked.isEmpty)
    }

    @Test("an answer that is cut off is asked for by TCP")
    func truncated() {
        servers[0].truncates = true
        let resolver = resolver()
        var found: [Resolution] = []
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { !found.isEmpty })
        #expect(found == [Self.both])
        #expect(servers[0].asked.filter(\.isStream).map(\.type).sorted() == [1, 28])
    }

    @Test("an answer to another question is no answer")
    func lied() {
        servers[0].liesFirst = true
        let resolver = resolver()
        var found: [Resolution] = []
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { !found.isEmpty })
        #expect(found == [Self.both])
    }

    @Test("a server that is silent is passed over after its time, and nobody left to ask is a failure")
    func silent() {
        servers[0].hasEndedOutput = true
        let resolver = resolver()
        var found: [Resolution] = []
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { servers[0].asked.count == 2 })
        worker.settle()
        #expect(found.isEmpty && servers[1].asked.isEmpty)
        worker.advance(by: .seconds(2))
        #expect(isDone { !found.isEmpty })
        #expect(found == [Self.both])
        servers[1].hasEndedOutput = true
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { servers[1].asked.count == 4 })
        worker.advance(by: .seconds(2))
        #expect(isDone { servers[0].asked.count == 4 })
        worker.advance(by: .seconds(2))
        #expect(isDone { found.count == 2 })
        #expect(found.last == .failed)
    }

    @Test("a family that is not answered holds nobody up, and one that is asked for meanwhile is told at once")
    func overdue() {
        servers[0].isSilentFor = 28
        let resolver = resolver()
        var (found, later): ([LookupAnswer], [LookupAnswer]) = ([], [])
        var addresses: [[SocketAddress]] = []
        resolver.look(up: .host("backend.test")) { found.append($0) }
        resolver.resolve("backend.test") { addresses.append($0) }
        #expect(isDone { servers[0].asked.count == 2 })
        worker.settle()
        #expect(found.isEmpty)
        worker.advance(by: Lookup.resolutionDelay)
        #expect(isDone { !found.isEmpty })
        let early = Resolution.addresses(Self.addresses, isComplete: false, ttl: .seconds(60))
        #expect(found == [LookupAnswer(early, isFinal: false)])
        resolver.look(up: .host("backend.test")) { later.append($0) }
        #expect(isDone { !later.isEmpty })
        #expect(later == found)
        worker.advance(by: .seconds(2))
        #expect(isDone { found.count == 2 })
        // The second server has answered for the other family.
        #expect(found.last == LookupAnswer(Self.both) && later.last == found.last)
        #expect(addresses == [Self.addresses])
    }

    @Test("a server that was silent is asked last from then on")
    func order() {
        servers[0].hasEndedOutput = true
        let resolver = resolver()
        var found: [Resolution] = []
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { servers[0].asked.count == 2 })
        worker.advance(by: .seconds(2))
        #expect(isDone { !found.isEmpty })
        resolver.look(up: .host("backend.test")) { found.append($0.resolution) }
        #expect(isDone { found.count == 2 })
        #expect(servers[0].asked.count == 2 && servers[1].asked.count == 4)
    }

    @Test("a name that does not exist is told from one that nobody could look up")
    func unknown() {
        let resolver = resolver()
        var found: [Resolution] = []
        resolver.look(up: .host("nowhere.test")) { found.append($0.resolution) }
        #expect(isDone { !found.isEmpty })
        guard case .unknown = found[0] else {
            Issue.record("\(found[0])")
            return
        }
    }

    @Test("a resolver that goes while it asks tells nobody")
    func gone() {
        var resolver: NameResolver? = resolver()
        servers[0].hasEndedOutput = true
        var isTold = false
        resolver?.look(up: .host("backend.test")) { _ in isTold = true }
        #expect(isDone { servers[0].asked.count == 2 })
        resolver = nil
        worker.advance(by: .seconds(30))
        #expect(!isTold)
    }
}
