import GRPCTesting
import Net
import Quotas
import Reactor
import Redis
import RedisServer
import Sockets
import Testing
import Time
import Transport

@testable import QuotaService

/// A gateway's keeper, on a connection of its own.
private final class Gateway {
    let keeper: ActKeeper
    let client: RedisClient
    private let worker: TestWorker
    private(set) var changes = 0
    private(set) var words: [String] = []
    private var random: UInt64

    init(_ server: RedisServer, _ worker: TestWorker, number: UInt64) {
        self.worker = worker
        random = number << 32
        var settings = RedisSettings()
        settings.timeout = .seconds(5)
        client = RedisClient(
            settings, dialer: Dialer(KnownAddresses(.unix(server.path)), on: worker.loop, scratch: worker.context.scratch),
            on: worker.loop, seed: number)
        var next: (() -> UInt64)?
        var say: ((String) -> Void)?
        keeper = ActKeeper(on: worker.loop, random: { next?() ?? 0 }, say: { say?($0) })
        next = { [unowned self] in
            random += 1
            return random
        }
        say = { [unowned self] in words.append($0) }
        keeper.changed = { [unowned self] in changes += 1 }
        keeper.use(client, domain: "shop")
    }

    func change(_ change: ActKeeper.Change) throws -> ActKeeper.Outcome {
        var result: Result<ActKeeper.Outcome, QuotaFailure>?
        keeper.change(change) { result = $0 }
        #expect(worker.run { result != nil })
        return try #require(result).get()
    }

    func block(_ tenant: String, until: Int64 = 0) throws -> ActKeeper.Outcome {
        try change(.put(TenantAct(.block, tenant: tenant, since: 1, until: until)))
    }

    var tenants: [String] { keeper.list.acts.map(\.tenant).sorted() }
}

@Suite("The keeper of acts", .enabled(if: RedisServer.program != nil))
struct ActKeeperTests {
    private let worker: TestWorker
    private let server: RedisServer

    init() throws {
        worker = try TestWorker()
        server = try #require(RedisServer())
    }

    private func gateway(_ number: UInt64) -> Gateway {
        let gateway = Gateway(server, worker, number: number)
        #expect(worker.run { gateway.keeper.age != nil })
        return gateway
    }

    @Test("what one gateway changes, another reads within a second, with who came before")
    func changes() throws {
        let (one, two) = (gateway(1), gateway(2))
        #expect(try one.block("a").version == 1)
        #expect(one.tenants == ["a"], "its own change is read before it is answered")
        worker.advance(by: .seconds(1))
        #expect(two.tenants == ["a"] && two.changes == 2)
        let outcome = try two.change(.put(TenantAct(.block, tenant: "a", since: 2, reason: "again")))
        #expect(outcome.version == 2 && outcome.former.map(\.since) == [1])
        #expect(try two.change(.remove(["block:a"])).former.map(\.reason) == ["again"])
        #expect(try two.change(.remove(["block:a"])).former == [] && two.keeper.list.version == 3)
        worker.advance(by: .seconds(1))
        #expect(one.tenants == [] && one.keeper.list == two.keeper.list)
    }

    @Test("a list that a store has lost is put back by who knows most of it, and one that went on is taken")
    func losses() throws {
        let (one, two) = (gateway(1), gateway(2))
        for tenant in ["a", "b", "c"] { _ = try one.block(tenant) }
        worker.advance(by: .seconds(1))
        _ = try #require(two.keeper.list.version == 3)
        let other = gateway(3)
        try command(["DEL", "shop:acts"])
        worker.advance(by: .seconds(2))
        #expect(one.tenants == ["a", "b", "c"] && two.tenants == one.tenants && other.tenants == one.tenants)
        #expect(one.keeper.list == two.keeper.list && one.keeper.list.version == 3)
        #expect((one.words + two.words + other.words).contains { $0.contains("it is put back version=3") })
        // As many changes, but others: what the store has counts.
        try command(["HDEL", "shop:acts", "block:a::"])
        try command(["HSET", "shop:acts", "lineage", "elsewhere"])
        worker.advance(by: .seconds(1))
        #expect(one.tenants == ["b", "c"] && two.tenants == ["b", "c"])
    }

    @Test("an act that has ended holds no more, and goes with the next change")
    func expiry() throws {
        let one = gateway(1)
        let second = worker.loop.wall.seconds
        _ = try one.block("a", until: second + 5)
        let before = one.changes
        worker.advance(by: .seconds(6))
        #expect(one.changes > before && one.keeper.list.holding(at: worker.loop.wall.seconds).isEmpty)
        _ = try one.block("b")
        #expect(one.tenants == ["b"])
        // One of the same place, too.
        _ = try one.block("c", until: second + 7)
        worker.advance(by: .seconds(2))
        #expect(try one.block("c", until: second + 90).former.isEmpty)
        #expect(one.tenants == ["b", "c"])
    }

    @Test("there is room for so many acts, and one more is refused")
    func room() throws {
        let one = gateway(1)
        for number in 0..<ActList.actsMax {
            try command(["HSET", "shop:acts", "block:t\(number)::", #"{"kind":"block","tenant":"t\#(number)"}"#])
        }
        #expect(throws: QuotaFailure.self) { try one.block("more") }
        _ = try one.block("t7")
        try command(["HDEL", "shop:acts", "block:t8::"])
        _ = try one.block("more")
        #expect(one.keeper.list.acts.count == ActList.actsMax)
    }

    @Test("what stands in the list and is none is left out, and whole others are read")
    func hostile() throws {
        let one = gateway(1)
        try command(["HSET", "shop:acts", "version", "7", "x", "\u{0}", "block:b::", #"{"kind":"block","tenant":"b"}"#])
        worker.advance(by: .seconds(1))
        #expect(one.tenants == ["b"] && one.keeper.list.unreadable == 1)
        try command(["HSET", "shop:acts", "version", "-9"])
        worker.advance(by: .seconds(1))
        #expect(one.tenants == ["b"], "a list without a version is none")
        #expect(one.words.contains { $0.contains("the last one holds version=7") })
        try command(["HSET", "shop:acts", "version", "8"])
        worker.advance(by: .seconds(1))
        #expect(one.words.last?.contains("is read again version=8") == true)
        try command(["DEL", "shop:acts"])
        try command(["SET", "shop:acts", "text"])
        worker.advance(by: .seconds(1))
        #expect(one.tenants == ["b"] && one.words.contains { $0.contains("WRONGTYPE") })
    }

    @Test("without a store the list is the process's own")
    func alone() throws {
        let one = gateway(1)
        _ = try one.block("a")
        one.keeper.use(nil, domain: "shop")
        #expect(one.tenants == [] && !one.keeper.isShared && one.keeper.age == nil)
        #expect(try one.block("b").version == 1)
        #expect(try one.change(.remove(["block:b"])).former.map(\.tenant) == ["b"])
        #expect(one.keeper.list.acts.isEmpty && one.keeper.list.version == 2)
    }

    /// Over the connection of another client.
    private func command(_ words: [String]) throws {
        let client = RedisClient(
            .defaults, dialer: Dialer(KnownAddresses(.unix(server.path)), on: worker.loop, scratch: worker.context.scratch),
            on: worker.loop, seed: 9)
        let command = RESPCommand()
        for word in words { command.add(word) }
        let question = Question()
        #expect(client.send(command, question, tag: 0, by: worker.loop.now + .seconds(5)) == nil)
        #expect(worker.run { question.isAnswered })
        client.close()
    }

    private final class Question: RedisReplyHandler {
        var isAnswered = false
        func redisReplied(_ reply: RedisReply, to tag: UInt) { isAnswered = true }
        func redisFailed(_ failure: RedisFailure, for tag: UInt) { isAnswered = true }
    }
}
