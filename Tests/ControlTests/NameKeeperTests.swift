import GRPCTesting
import Gateway
import Sockets
import Testing

@testable import Control

@Suite("Keeping what host names stand for")
struct NameKeeperTests {
    let worker: TestWorker
    let hosts = KnownHosts()

    init() throws {
        worker = try TestWorker()
        hosts.addresses = ["a.test": [Self.one], "b.test": [Self.two]]
    }

    private static let one = SocketAddress("127.0.0.1:0")!
    private static let two = SocketAddress("127.0.0.2:0")!

    private final class Changes {
        var all: [[String: [SocketAddress]]] = []
    }

    private func keeper(_ names: Set<String>) -> (NameKeeper, Changes) {
        let keeper = NameKeeper(names, resolver: hosts, loop: worker.loop)
        let changes = Changes()
        keeper.changed = { changes.all.append($0.addresses) }
        return (keeper, changes)
    }

    @Test("names are looked up before anything is served, and every thirty seconds from then on")
    func period() {
        let (keeper, changes) = keeper(["a.test"])
        #expect(keeper.resolveNow { hosts.addresses[$0] ?? [] }.addresses == ["a.test": [Self.one]])
        #expect(hosts.asked.isEmpty)
        worker.advance(by: .seconds(29), steps: 1)
        #expect(hosts.asked.isEmpty)
        worker.advance(by: .seconds(2), steps: 1)
        #expect(hosts.asked == ["a.test"])
        worker.advance(by: .seconds(31), steps: 1)
        #expect(hosts.asked.count == 2)
        #expect(changes.all.isEmpty, "the same answer is no news")
    }

    @Test("only another answer is news; no answer keeps the one before, and the order says nothing")
    func changes() {
        hosts.addresses["a.test"] = [Self.one, Self.two]
        let (keeper, changes) = keeper(["a.test"])
        _ = keeper.resolveNow { hosts.addresses[$0] ?? [] }
        for addresses in [[Self.two, Self.one], [], [Self.two], [], [Self.two]] {
            hosts.addresses["a.test"] = addresses
            worker.advance(by: .seconds(31), steps: 1)
        }
        #expect(changes.all == [["a.test": [Self.two]]])
    }

    @Test("a name unknown at the start is served once it is known")
    func late() {
        let (keeper, changes) = keeper(["c.test"])
        #expect(keeper.resolveNow { _ in [] }.addresses == ["c.test": []])
        hosts.addresses["c.test"] = [Self.one]
        worker.advance(by: .seconds(31), steps: 1)
        #expect(changes.all == [["c.test": [Self.one]]])
    }

    @Test("new names are looked up at once, and those that are gone no more")
    func other() {
        let (keeper, changes) = keeper(["a.test"])
        _ = keeper.resolveNow { hosts.addresses[$0] ?? [] }
        keeper.keep(["b.test"])
        #expect(hosts.asked == ["b.test"])
        #expect(changes.all == [["b.test": [Self.two]]])
        worker.advance(by: .seconds(31), steps: 1)
        #expect(hosts.asked == ["b.test", "b.test"])
    }

    @Test("without names nothing is asked, until there are some")
    func none() {
        let (keeper, changes) = keeper([])
        #expect(keeper.resolveNow { _ in [] }.addresses.isEmpty)
        worker.advance(by: .seconds(100), steps: 3)
        #expect(hosts.asked.isEmpty)
        keeper.keep(["a.test"])
        #expect(changes.all == [["a.test": [Self.one]]])
        worker.advance(by: .seconds(31), steps: 1)
        #expect(hosts.asked.count == 2)
    }
}
