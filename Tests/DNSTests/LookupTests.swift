import Sockets
import Testing

@testable import DNS

@Suite("Looking a name up")
struct LookupTests {
    private let one = SocketAddress("10.0.0.1:0")!
    private let six = SocketAddress("[2001:db8::1]:0")!

    private func settings(search: [String] = [], dots: Int = 1) -> ResolverSettings {
        var settings = ResolverSettings.defaults
        settings.search = search.map { DomainName($0)! }
        settings.dots = dots
        return settings
    }

    private func questions(_ name: String) -> [Question] { [Question(DomainName(name)!, .a), Question(DomainName(name)!, .aaaa)] }

    @Test("both families are asked for at once, and their addresses are one answer with the shorter life")
    func families() {
        var lookup = Lookup(.host("a.test"), settings())
        #expect(lookup.begin() == .ask(questions("a.test")))
        #expect(lookup.found(.records([.address(one), .address(one)], ttlSeconds: 30), for: questions("a.test")[0]) == .wait)
        #expect(
            lookup.found(.records([.address(six)], ttlSeconds: 20), for: questions("a.test")[1])
                == .finished(.addresses([one, six], isComplete: true, ttl: .seconds(20))))
    }

    @Test("one family is enough, and it is said when nobody could tell about the other")
    func oneFamily() {
        for (other, isComplete) in [(Finding.nothing(ttlSeconds: 5), true), (.failed, false)] {
            var lookup = Lookup(.host("a.test"), settings())
            _ = lookup.found(other, for: questions("a.test")[1])
            #expect(
                lookup.found(.records([.address(one)], ttlSeconds: 30), for: questions("a.test")[0])
                    == .finished(.addresses([one], isComplete: isComplete, ttl: .seconds(30))))
        }
    }

    @Test("names with few dots are sought within the search domains first, others as they are first", arguments: [
        ("a", 1, ["a.x.test", "a.y.test", "a"]), ("a.b", 1, ["a.b", "a.b.x.test", "a.b.y.test"]),
        ("a.b", 2, ["a.b.x.test", "a.b.y.test", "a.b"]), ("a.", 1, ["a"]),
    ])
    func search(name: String, dots: Int, order: [String]) {
        var lookup = Lookup(.host(name), settings(search: ["x.test", "y.test"], dots: dots))
        var step = lookup.begin()
        for (index, candidate) in order.enumerated() {
            #expect(step == .ask(questions(candidate)))
            for question in questions(candidate) { step = lookup.found(.nothing(ttlSeconds: UInt32(9 - index)), for: question) }
        }
        #expect(step == .finished(.unknown(ttl: .seconds(10 - order.count))))
    }

    @Test("where nobody could tell, no other domain is tried")
    func failure() {
        var lookup = Lookup(.host("a"), settings(search: ["x.test"]))
        _ = lookup.found(.nothing(ttlSeconds: 1), for: questions("a.x.test")[0])
        #expect(lookup.found(.failed, for: questions("a.x.test")[1]) == .finished(.failed))
    }

    @Test("a service has its hosts, and the root is none")
    func service() {
        let question = Question(DomainName("_grpc._tcp.test")!, .srv)
        let target = ServiceTarget(DomainName("a.test")!, port: 80, priority: 1, weight: 2)
        var lookup = Lookup(.service("_grpc._tcp.test"), settings())
        #expect(lookup.begin() == .ask([question]))
        #expect(
            lookup.found(.records([.service(target)], ttlSeconds: 9), for: question)
                == .finished(.services([target], ttl: .seconds(9))))
        var none = Lookup(.service("_grpc._tcp.test"), settings())
        #expect(
            none.found(.records([.service(ServiceTarget(.root, port: 0))], ttlSeconds: 9), for: question)
                == .finished(.unknown(ttl: .seconds(9))))
    }

    @Test("what is no name is unknown")
    func noName() {
        #expect(Lookup(.host("a..b"), settings()).begin() == .finished(.unknown(ttl: .zero)))
    }
}
