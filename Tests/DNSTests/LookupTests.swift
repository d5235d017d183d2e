import Net
import Testing
import Time

@testable import DNS

@Suite("Looking a name up")
struct LookupTests {
    private let one = SocketAddress("10.0.0.1:0")!
    private let now = Instant(nanoseconds: 1_000_000_000)
    private let six = SocketAddress("[2001:db8::1]:0")!

    private func settings(search: [String] = [], dots: Int = 1) -> ResolverSettings {
        var settings = ResolverSettings.defaults
        settings.search = search.map { DomainName($0)! }
        settings.dots = dots
        return settings
    }

    private func questions(_ name: String) -> [Question] { [Question(DomainName(name)!, .a), Question(DomainName(name)!, .aaaa)] }

    private func finished(_ resolution: Resolution, unanswered: [String] = []) -> Lookup.Step {
        .finished(LookupAnswer(resolution, unanswered: unanswered.map { DomainName($0)! }))
    }

    @Test("both families are asked for at once, and their addresses are one answer with the shorter life")
    func families() {
        var lookup = Lookup(.host("a.test"), settings())
        let asked = questions("a.test")
        #expect(lookup.begin(now: now) == .ask(asked))
        #expect(lookup.found(.records([.address(one), .address(one)], ttlSeconds: 30), for: asked[0], now: now) == .wait)
        #expect(
            lookup.found(.records([.address(six)], ttlSeconds: 20), for: asked[1], now: now)
                == finished(.addresses([one, six], isComplete: true, ttl: .seconds(20))))
    }

    @Test("one family is enough, and it is said when no server could tell about the other")
    func oneFamily() {
        for (other, isComplete) in [(Finding.nothing(ttlSeconds: 5), true), (.failed, false)] {
            var lookup = Lookup(.host("a.test"), settings())
            _ = lookup.begin(now: now)
            _ = lookup.found(other, for: questions("a.test")[1], now: now)
            #expect(
                lookup.found(.records([.address(one)], ttlSeconds: 30), for: questions("a.test")[0], now: now)
                    == finished(.addresses([one], isComplete: isComplete, ttl: .seconds(30))))
        }
    }

    @Test("a family that is not answered holds up the other for the resolution delay, and then follows", arguments: [0, 1])
    func overdue(first: Int) {
        var lookup = Lookup(.host("a.test"), settings())
        let asked = questions("a.test")
        let addresses = [one, six]
        _ = lookup.begin(now: now)
        #expect(lookup.found(.records([.address(addresses[first])], ttlSeconds: 30), for: asked[first], now: now) == .wait)
        #expect(lookup.wakeAt == now + .milliseconds(50))
        #expect(lookup.timePassed(now: now + .milliseconds(49)) == .wait)
        #expect(
            lookup.timePassed(now: now + .milliseconds(50))
                == .early(
                    LookupAnswer(
                        .addresses([addresses[first]], isComplete: false, ttl: .seconds(30)), isFinal: false)))
        #expect(lookup.wakeAt == nil)
        #expect(lookup.timePassed(now: now + .seconds(1)) == .wait, "told once")
        var late = lookup
        #expect(
            late.found(.records([.address(addresses[1 - first])], ttlSeconds: 60), for: asked[1 - first], now: now + .seconds(2))
                == finished(.addresses([one, six], isComplete: true, ttl: .seconds(30))))
        #expect(
            lookup.found(.failed, for: asked[1 - first], now: now + .seconds(10))
                == finished(.addresses([addresses[first]], isComplete: false, ttl: .seconds(30))))
    }

    @Test(
        "names with few dots are sought within the search domains first, others as they are first",
        arguments: [
            ("a", 1, ["a.x.test", "a.y.test", "a"]), ("a.b", 1, ["a.b", "a.b.x.test", "a.b.y.test"]),
            ("a.b", 2, ["a.b.x.test", "a.b.y.test", "a.b"]), ("a.", 1, ["a"]), ("a.b.", 5, ["a.b"]),
        ])
    func search(name: String, dots: Int, order: [String]) {
        var lookup = Lookup(.host(name), settings(search: ["x.test", "y.test.", "x.test", "."], dots: dots))
        var step = lookup.begin(now: now)
        for (index, candidate) in order.enumerated() {
            #expect(step == .ask(questions(candidate)))
            for question in questions(candidate) {
                step = lookup.found(.nothing(ttlSeconds: UInt32(9 - index)), for: question, now: now)
            }
        }
        #expect(step == finished(.unknown(ttl: .seconds(10 - order.count))))
    }

    @Test("a search domain that no server can tell of does not hide the name, and is told", arguments: [0, 1, 2])
    func failure(working: Int) {
        let order = ["a.x.test", "a.y.test", "a"]
        var lookup = Lookup(.host("a"), settings(search: ["x.test", "y.test"]))
        var step = lookup.begin(now: now)
        for (index, candidate) in order.enumerated() {
            #expect(step == .ask(questions(candidate)))
            let isFound = index == working
            _ = lookup.found(isFound ? .records([.address(one)], ttlSeconds: 9) : .failed, for: questions(candidate)[0], now: now)
            step = lookup.found(isFound ? .nothing(ttlSeconds: 1) : .failed, for: questions(candidate)[1], now: now)
            if isFound { break }
        }
        #expect(
            step
                == finished(
                    .addresses([one], isComplete: true, ttl: .seconds(9)), unanswered: Array(order.prefix(working))))
    }

    @Test("where none has the name, and one could not be told of, it is not known to be unknown")
    func undecided() {
        var lookup = Lookup(.host("a"), settings(search: ["x.test"]))
        _ = lookup.begin(now: now)
        _ = lookup.found(.nothing(ttlSeconds: 1), for: questions("a.x.test")[0], now: now)
        #expect(lookup.found(.failed, for: questions("a.x.test")[1], now: now) == .ask(questions("a")))
        _ = lookup.found(.nothing(ttlSeconds: 1), for: questions("a")[0], now: now)
        #expect(
            lookup.found(.nothing(ttlSeconds: 1), for: questions("a")[1], now: now)
                == finished(.failed, unanswered: ["a.x.test"]))
    }

    @Test("a search domain that is silent is asked beside the next one, and passed over if that has the name")
    func silence() {
        var lookup = Lookup(.host("a"), settings(search: ["x.test", "y.test"]))
        _ = lookup.begin(now: now)
        #expect(lookup.wakeAt == now + Lookup.patienceMax)
        #expect(lookup.timePassed(now: now + .milliseconds(999)) == .wait)
        let then = now + Lookup.patienceMax
        #expect(lookup.timePassed(now: then) == .ask(questions("a.y.test")))
        _ = lookup.found(.nothing(ttlSeconds: 3), for: questions("a.y.test")[0], now: then)
        #expect(lookup.found(.nothing(ttlSeconds: 3), for: questions("a.y.test")[1], now: then) == .ask(questions("a")))
        var late = lookup
        _ = lookup.found(.records([.address(one)], ttlSeconds: 9), for: questions("a")[0], now: then)
        #expect(
            lookup.found(.nothing(ttlSeconds: 3), for: questions("a")[1], now: then)
                == finished(.addresses([one], isComplete: true, ttl: .seconds(9)), unanswered: ["a.x.test"]))
        // What comes late counts as if it had come in time.
        _ = late.found(.nothing(ttlSeconds: 3), for: questions("a.x.test")[0], now: then)
        #expect(
            late.found(.records([.address(six)], ttlSeconds: 9), for: questions("a.x.test")[1], now: then)
                == finished(.addresses([six], isComplete: true, ttl: .seconds(9))))
    }

    @Test("a service has its hosts, and the root is none")
    func service() {
        let question = Question(DomainName("_grpc._tcp.test")!, .srv)
        let target = ServiceTarget(DomainName("a.test")!, port: 80, priority: 1, weight: 2)
        for name in ["_grpc._tcp.test", "_grpc._tcp.test."] {
            var lookup = Lookup(.service(name), settings())
            #expect(lookup.begin(now: now) == .ask([question]))
            #expect(
                lookup.found(.records([.service(target)], ttlSeconds: 9), for: question, now: now)
                    == finished(.services([target], ttl: .seconds(9))))
        }
        var none = Lookup(.service("_grpc._tcp.test"), settings())
        _ = none.begin(now: now)
        #expect(
            none.found(.records([.service(ServiceTarget(.root, port: 0))], ttlSeconds: 9), for: question, now: now)
                == finished(.unknown(ttl: .seconds(9))))
    }

    @Test("what is no name is unknown")
    func noName() {
        var lookup = Lookup(.host("a..b"), settings())
        #expect(lookup.begin(now: now) == finished(.unknown(ttl: .zero)))
    }
}

@Suite("The order of name servers")
struct ServerOrderTests {
    @Test("a server that was silent comes last until its penalty is over, or until it answers")
    func silent() {
        let servers = [SocketAddress("10.0.0.1:53")!, SocketAddress("10.0.0.2:53")!, SocketAddress("10.0.0.3:53")!]
        let now = Instant(nanoseconds: 1_000_000_000)
        var order = ServerOrder()
        #expect(order.order(servers, now: now) == servers)
        order.silent(servers[0], now: now)
        #expect(
            order.order(servers, now: now + (ServerOrder.penalty - Duration.nanoseconds(1))) == [
                servers[1], servers[2], servers[0],
            ])
        #expect(order.order(servers, now: now + ServerOrder.penalty) == servers)
        order.answered(servers[0])
        #expect(order.order(servers, now: now) == servers)
    }
}
