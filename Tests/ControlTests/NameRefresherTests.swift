import DNS
import GRPCTesting
import Gateway
import Net
import Random
import Testing
import Transport
import Upstreams

@testable import Control

@Suite("Keeping what names stand for")
struct NameRefresherTests {
    let worker: TestWorker
    let names = KnownNames()

    init() throws {
        worker = try TestWorker()
        names.answers = [.host("a.test"): Self.found([Self.one]), .host("b.test"): Self.found([Self.two])]
    }

    private static let one = SocketAddress("127.0.0.1:0")!
    private static let two = SocketAddress("127.0.0.2:0")!
    private static let six = SocketAddress("[::1]:0")!

    private static func found(_ addresses: [SocketAddress], ttl: Int = 20, isComplete: Bool = true) -> Resolution {
        .addresses(addresses, isComplete: isComplete, ttl: .seconds(ttl))
    }

    /// Knows what a test tells it, and answers in the same breath.
    final class KnownNames: NameLookup {
        var answers: [Subject: Resolution] = [:]
        var asked: [Subject] = []

        /// What comes before that, and what was passed over.
        var early: [Subject: Resolution] = [:]
        var unanswered: [DomainName] = []

        func look(up subject: Subject, completion: @escaping (LookupAnswer) -> Void) {
            asked.append(subject)
            if let answer = early[subject] { completion(LookupAnswer(answer, isFinal: false)) }
            if let answer = answers[subject] { completion(LookupAnswer(answer, unanswered: unanswered)) }
        }
    }

    private final class Changes {
        var all: [ResolvedNames] = []
    }

    private func refresher(_ subjects: Subject...) -> (NameRefresher, Changes) {
        let refresher = NameRefresher(lookup: names, loop: worker.loop)
        let changes = Changes()
        refresher.changed = { changes.all.append($0) }
        refresher.keep(Set(subjects))
        return (refresher, changes)
    }

    @Test("a name is asked for again when its answer has lived its life, and the same answer is no news")
    func life() {
        let (refresher, changes) = refresher(.host("a.test"))
        #expect(refresher.isSettled && refresher.resolved.addresses == ["a.test": [Self.one]])
        worker.advance(by: .seconds(19), steps: 1)
        #expect(names.asked.count == 1)
        worker.advance(by: .seconds(4), steps: 1)
        #expect(names.asked.count == 2)
        #expect(changes.all.count == 1)
    }

    @Test("a short life is a second, and a long one five minutes")
    func bounds() {
        var schedule = NameSchedule()
        var random = RandomGenerator(seed: 1)
        for (ttl, range) in [(0, 1.0...1.1), (60, 60...66), (86400, 300...330)] {
            let next = schedule.next(after: Self.found([Self.one], ttl: ttl), using: &random)
            #expect((Duration.seconds(range.lowerBound) ... .seconds(range.upperBound)).contains(next))
        }
    }

    @Test("after failures a name is asked for at once, then ever more rarely, and after a good answer as before")
    func failures() {
        var schedule = NameSchedule()
        var random = RandomGenerator(seed: 1)
        for seconds in [1.0, 2, 4, 8, 16, 30, 30] {
            let next = schedule.next(after: .failed, using: &random)
            #expect((Duration.seconds(seconds) ... .seconds(seconds * 1.1)).contains(next))
        }
        _ = schedule.next(after: Self.found([Self.one]), using: &random)
        #expect(schedule.next(after: .failed, using: &random) < .seconds(2))
    }

    @Test("no answer keeps the one before, and the order says nothing")
    func lastGood() {
        names.answers[.host("a.test")] = Self.found([Self.one, Self.two])
        let (refresher, changes) = refresher(.host("a.test"))
        for answer in [Self.found([Self.two, Self.one]), .failed, .unknown(ttl: .zero), Self.found([Self.two]), .failed] {
            names.answers[.host("a.test")] = answer
            worker.advance(by: .seconds(31), steps: 1)
        }
        #expect(changes.all.map { $0.addresses["a.test"] } == [[Self.one, Self.two], [Self.two]])
        #expect(refresher.resolved.addresses == ["a.test": [Self.two]])
    }

    @Test("where nobody can say anything about one family, its addresses stay")
    func otherFamily() {
        names.answers[.host("a.test")] = Self.found([Self.one, Self.six])
        let (refresher, _) = refresher(.host("a.test"))
        names.answers[.host("a.test")] = Self.found([Self.two], isComplete: false)
        worker.advance(by: .seconds(23), steps: 1)
        #expect(refresher.resolved.addresses["a.test"] == [Self.two, Self.six])
        names.answers[.host("a.test")] = Self.found([Self.two])
        worker.advance(by: .seconds(3), steps: 1)
        #expect(refresher.resolved.addresses["a.test"] == [Self.two])
    }

    @Test("a name unknown at the start is known to be, and served once it is there")
    func late() {
        names.answers[.host("c.test")] = .unknown(ttl: .seconds(5))
        let (refresher, changes) = refresher(.host("c.test"))
        #expect(refresher.isSettled && refresher.resolved.addresses == ["c.test": []])
        names.answers[.host("c.test")] = Self.found([Self.one])
        worker.advance(by: .seconds(6), steps: 1)
        #expect(changes.all.map { $0.addresses["c.test"] } == [[], [Self.one]])
    }

    @Test("that a name is not found is said when it begins and when it is over, and shown while it lasts")
    func troubles() {
        final class Said { var lines: [String] = [] }
        let said = Said()
        let refresher = NameRefresher(lookup: names, loop: worker.loop) { said.lines.append($0) }
        names.answers[.host("c.test")] = .unknown(ttl: .seconds(5))
        refresher.keep([.host("a.test"), .host("c.test")])
        #expect(refresher.troubles == ["c.test": "no such name"])
        for answer in [Resolution.failed, .failed, Self.found([Self.one])] {
            names.answers[.host("c.test")] = answer
            worker.advance(by: .seconds(31), steps: 1)
        }
        #expect(refresher.troubles.isEmpty)
        names.answers[.host("a.test")] = .failed
        for _ in 0..<3 { worker.advance(by: .seconds(31), steps: 1) }
        #expect(refresher.troubles == ["a.test": "no name server has an answer"])
        #expect(
            said.lines == [
                "name c.test: no such name; it stands for nothing yet", "name c.test: found",
                "name a.test: no name server has an answer; what it stood for before stays",
            ])
        refresher.keep([])
        #expect(refresher.troubles.isEmpty)
    }

    @Test("search domains that no server can tell of are named, whether the name is found or not")
    func searchDomains() {
        final class Said { var lines: [String] = [] }
        let said = Said()
        let refresher = NameRefresher(lookup: names, loop: worker.loop) { said.lines.append($0) }
        names.unanswered = [DomainName("a.x.test")!, DomainName("a.y.test")!]
        names.answers[.host("a")] = .failed
        refresher.keep([.host("a")])
        names.answers[.host("a")] = Self.found([Self.one])
        for _ in 0..<3 { worker.advance(by: .seconds(31), steps: 1) }
        #expect(
            said.lines == [
                "name a: no name server has an answer for a.x.test, a.y.test; it stands for nothing yet", "name a: found",
                "name a: found, but no name server has an answer for a.x.test, a.y.test",
            ])
    }

    @Test("what is told early is served, and the rest when it comes; until then the name is not asked for again")
    func early() {
        names.early[.host("a.test")] = Self.found([Self.one], isComplete: false)
        names.answers[.host("a.test")] = nil
        let (refresher, changes) = refresher(.host("a.test"))
        #expect(refresher.isSettled && refresher.resolved.addresses == ["a.test": [Self.one]])
        worker.advance(by: .seconds(300), steps: 1)
        #expect(names.asked.count == 1)
        names.answers[.host("a.test")] = Self.found([Self.one, Self.six])
        refresher.keep([])
        refresher.keep([.host("a.test")])
        #expect(changes.all.last?.addresses["a.test"] == [Self.one, Self.six])
        worker.advance(by: .seconds(23), steps: 1)
        #expect(names.asked.count == 3)
        #expect(refresher.resolved.addresses["a.test"] == [Self.one, Self.six], "what is early takes nothing away")
    }

    @Test("a service that had no host yet does not wait for hosts that are not answered")
    func firstHost() {
        let service = Subject.service("_grpc._tcp.test")
        let hosts = ["a.test", "silent.test"].map { ServiceTarget(DomainName($0)!, port: 1) }
        names.answers = [service: .services(hosts, ttl: .seconds(10)), .host("a.test."): Self.found([Self.one], ttl: 60)]
        let (refresher, _) = refresher(service)
        #expect(refresher.resolved.services["_grpc._tcp.test"] == hosts)
        #expect(refresher.resolved.addresses["a.test."] == [Self.one])
        #expect(names.asked.count(where: { $0 == .host("silent.test.") }) == 1)
    }

    @Test("new names are looked up at once, and those that are gone no more")
    func other() {
        let (refresher, _) = refresher(.host("a.test"))
        refresher.keep([.host("b.test")])
        #expect(names.asked == [.host("a.test"), .host("b.test")])
        #expect(refresher.resolved.addresses == ["b.test": [Self.two]])
        worker.advance(by: .seconds(23), steps: 1)
        #expect(names.asked.count == 3)
    }

    @Test("a service has its new hosts only once their addresses are known")
    func service() {
        let (first, second) = (DomainName("a.test")!, DomainName("b.test")!)
        let service = Subject.service("_grpc._tcp.test")
        names.answers = [
            service: .services([ServiceTarget(first, port: 1)], ttl: .seconds(10)),
            .host("a.test."): Self.found([Self.one], ttl: 60),
        ]
        let (refresher, changes) = refresher(service)
        #expect(refresher.isSettled && refresher.resolved.services["_grpc._tcp.test"]?.map(\.host) == [first])
        #expect(refresher.resolved.addresses == ["a.test.": [Self.one]])
        names.answers[service] = .services([ServiceTarget(second, port: 2)], ttl: .seconds(10))
        worker.advance(by: .seconds(12), steps: 1)
        #expect(refresher.resolved.services["_grpc._tcp.test"]?.map(\.host) == [first], "nobody knows the other's address yet")
        #expect(!refresher.isSettled)
        let seen = changes.all.count
        names.answers[.host("b.test.")] = Self.found([Self.two], ttl: 60)
        refresher.keep([])
        refresher.keep([service])
        #expect(refresher.resolved.services["_grpc._tcp.test"]?.map(\.host) == [second])
        #expect(refresher.resolved.addresses == ["b.test.": [Self.two]])
        #expect(changes.all.count > seen)
    }

    @Test("a service whose new hosts nobody knows stays where it was")
    func serviceWithoutHosts() {
        let service = Subject.service("_grpc._tcp.test")
        names.answers[service] = .services([ServiceTarget(DomainName("a.test")!, port: 1)], ttl: .seconds(10))
        names.answers[.host("a.test.")] = Self.found([Self.one], ttl: 60)
        let (refresher, _) = refresher(service)
        names.answers[service] = .services([ServiceTarget(DomainName("none.test")!, port: 1)], ttl: .seconds(10))
        names.answers[.host("none.test.")] = .unknown(ttl: .seconds(1))
        worker.advance(by: .seconds(12), steps: 1)
        #expect(refresher.resolved.services["_grpc._tcp.test"]?.map(\.port) == [1])
        #expect(refresher.resolved.addresses["a.test."] == [Self.one])
    }
}
