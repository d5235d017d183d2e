import Glibc
import Net
import Reactor
import Testing

@testable import Sockets

@Suite("The system's resolver")
struct HostResolverTests {
    let world: World
    let resolver: SystemResolver

    init() throws {
        world = try World()
        resolver = SystemResolver(on: world.loop)
    }

    @Test("localhost is this machine, on no port")
    func localhost() {
        var found: [SocketAddress]?
        resolver.resolve("localhost") { found = $0 }
        #expect(found == nil, "never in the same breath")
        #expect(waits { found != nil })
        #expect(found?.isEmpty == false)
        for address in found ?? [] { #expect(["127.0.0.1", "::1"].contains(address.host) && address.port == 0) }
        #expect(Set(found ?? []).count == found?.count)
    }

    @Test("an unknown name has no address")
    func unknown() {
        var found: [SocketAddress]?
        resolver.resolve("nowhere.invalid") { found = $0 }
        #expect(waits { found != nil })
        #expect(found == [])
    }

    @Test("addresses in digits are themselves")
    func digits() {
        var found: [String: [SocketAddress]] = [:]
        for text in ["127.0.0.2", "::2"] { resolver.resolve(text) { found[text] = $0 } }
        #expect(waits { found.count == 2 })
        #expect(found == ["127.0.0.2": [SocketAddress("127.0.0.2:0")!], "::2": [SocketAddress("[::2]:0")!]])
    }

    @Test("every question of many is answered once, those for one name together")
    func many() {
        var answers: [Int: Int] = [:]
        for number in 0..<300 {
            resolver.resolve("127.0.0.\(number % 100 + 1)") { found in
                #expect(found.map(\.host) == ["127.0.0.\(number % 100 + 1)"])
                answers[number, default: 0] += 1
            }
        }
        #expect(waits { answers.count == 300 })
        #expect(answers.values.allSatisfy { $0 == 1 })
    }

    @Test("a question may be asked from within an answer")
    func nested() {
        var found: [SocketAddress]?
        resolver.resolve("127.0.0.1") { [resolver] _ in resolver.resolve("127.0.0.1") { found = $0 } }
        #expect(waits { found != nil })
    }

    @Test("a resolver that is gone calls nobody")
    func gone() throws {
        final class Flag { var isCalled = false }
        let flag = Flag()
        for _ in 0..<100 {
            let brief = SystemResolver(on: world.loop)
            brief.resolve("127.0.0.1") { _ in flag.isCalled = true }
            brief.resolve("127.0.0.2") { _ in flag.isCalled = true }
        }
        // One that answers later than all of them were asked.
        var isAnswered = false
        resolver.resolve("localhost") { _ in isAnswered = true }
        #expect(waits { isAnswered })
        world.settle()
        #expect(!flag.isCalled)
    }

    @Test("a loop that ended first is no concern of the thread")
    func loopGone() throws {
        final class Seen {
            weak var loop: EventLoop?
            var answers = 0
        }
        let seen = (0..<20).map { _ in Seen() }
        for one in seen {
            let world = try World()
            one.loop = world.loop
            let brief = SystemResolver(on: world.loop)
            brief.resolve("127.0.0.1") { _ in one.answers += 1 }
        }
        // The threads that still look up hold no loop, and have nobody to tell.
        #expect(seen.allSatisfy { $0.loop == nil && $0.answers == 0 })
        var found: [SocketAddress]?
        resolver.resolve("127.0.0.3") { found = $0 }
        #expect(waits { found != nil })
        #expect(seen.allSatisfy { $0.answers == 0 })
    }

    @Test("the calling thread may look up for itself")
    func now() {
        #expect(SystemResolver.resolveNow("127.0.0.1") == [SocketAddress("127.0.0.1:0")!])
        #expect(SystemResolver.resolveNow("nowhere.invalid") == [])
    }

    /// The look-ups are another thread's: letters wake the loop.
    private func waits(_ isDone: () -> Bool) -> Bool {
        for _ in 0..<1000 where !isDone() { world.loop.tick(wait: true) }
        return isDone()
    }
}
