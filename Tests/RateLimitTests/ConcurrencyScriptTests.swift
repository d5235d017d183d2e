import Redis
import RedisServer
import Testing
import Time

@testable import RateLimit

@Suite("The scripts of calls in flight", .enabled(if: RedisServer.program != nil))
struct ConcurrencyScriptTests {
    private let scripts: TimedScripts

    init() throws { scripts = try TimedScripts() }

    /// The decision's mark, and how many calls were in flight before.
    private func charge(_ holder: String, holding: Int = 0, of capacity: Int = 3, hits: Int = 1, provisional: Bool = false)
        -> [String]
    {
        let words = [TimedScripts.timed(.decision), "1", "k", "n", "\(holder) 10000 \(holding)", "\(capacity)", "\(hits)", "0"]
        let answer = scripts.ask(["EVAL"] + words + (provisional ? ["p"] : []))
        return answer.count == 5 ? [answer[0], answer[2]] : answer
    }

    /// What the holder has now, and all have.
    private func tell(_ holder: String, take: Int = 0, least: Int = 0) -> [String] {
        scripts.ask(["EVAL", TimedScripts.timed(RedisScript(HoldScript.text)), "1", "k", holder, "10000", "\(take)", "\(least)"])
    }

    @Test("holders share the count, each with its own")
    func shared() {
        #expect(charge("ga") == ["1", "0"])
        #expect(charge("gb") == ["1", "1"])
        #expect(charge("ga", holding: 1) == ["1", "2"])
        #expect(charge("gb", holding: 1) == ["0", "3"])
        #expect(charge("gb", holding: 1, hits: 0) == ["0", "3"])
        #expect(tell("ga", take: 1, least: 1) == ["1", "2"])
        #expect(charge("gb", holding: 1) == ["1", "2"])
        #expect(tell("gb", take: 2) == ["0", "1"])
        #expect(scripts.value == "0 0 ga 1 \(scripts.now / 1000 + 10_000)")
        #expect(tell("ga", take: 1) == ["0", "0"])
    }

    @Test("the calls of a holder that is not heard of count no more after its time")
    func dead() {
        for _ in 0..<3 { _ = charge("ga") }
        scripts.advance(9000)
        #expect(tell("gb") == ["0", "3"])
        #expect(charge("gb") == ["0", "3"])
        scripts.advance(1000)
        #expect(charge("gb") == ["1", "0"])
        scripts.advance(5000)
        #expect(tell("gb", least: 1) == ["1", "1"])
        scripts.advance(9999)
        #expect(charge("gc") == ["1", "1"])
        scripts.advance(1)
        #expect(charge("gc", holding: 1) == ["1", "1"])
    }

    @Test("a server that has lost them learns what a holder has with its next word")
    func lost() {
        _ = charge("ga")
        scripts.ask(["DEL", "k"])
        #expect(charge("ga", holding: 1) == ["1", "1"])
        scripts.ask(["DEL", "k"])
        #expect(tell("ga", least: 2) == ["2", "2"])
        #expect(tell("gb", take: 1) == ["0", "2"])
    }

    @Test("a clock that went back makes no holder immortal")
    func clock() {
        _ = charge("ga", of: 1)
        scripts.setBack(50_000)
        #expect(charge("gb", of: 1) == ["0", "1"])
        scripts.setBack(3600_000)
        #expect(charge("gb", of: 1) == ["1", "0"])
    }

    @Test("a refusal that only a provisional charge causes says so, for a tenth of a second")
    func provisional() {
        #expect(charge("ga", of: 2) == ["1", "0"])
        #expect(charge("gb", of: 2, provisional: true) == ["1", "1"])
        #expect(charge("gc", of: 2) == ["2", "2"])
        #expect(charge("gc", of: 1) == ["0", "2"])
        scripts.advance(101)
        #expect(charge("gc", of: 2) == ["0", "2"])
    }

    @Test("there are at most 255 holders")
    func many() {
        for number in 0..<255 { #expect(charge("g\(number)", of: 1000).first == "1") }
        #expect(charge("gx", of: 1000) == ["0", "255"])
        #expect(charge("g7", holding: 1, of: 1000) == ["1", "255"])
        #expect(tell("g7", take: 2) == ["0", "254"])
        #expect(charge("gx", of: 1000) == ["1", "254"])
    }
}
