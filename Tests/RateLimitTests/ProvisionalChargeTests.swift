import RedisServer
import Testing

@testable import RateLimit

@Suite(.enabled(if: RedisServer.program != nil)) struct ProvisionalChargeTests {
    private let scripts: TimedScripts
    private static let end: UInt64 = 1_800_000_060

    init() throws { scripts = try TimedScripts() }

    @Test("a refusal that only a provisional charge causes says so, for a tenth of a second")
    func marks() {
        #expect(scripts.charge("w", 60, capacity: 1, provisional: true) == ["1", "0"])
        #expect(scripts.value == "1 \(Self.end) 0 1 \(scripts.now)")
        #expect(scripts.charge("w", 60, capacity: 1) == ["2", "1"])
        scripts.advance(100)
        #expect(scripts.charge("w", 60, capacity: 1) == ["2", "1"])
        scripts.advance(1)
        #expect(scripts.charge("w", 60, capacity: 1) == ["0", "1"])
    }

    @Test("on a key that is charged all the time only charges of the last tenth of a second may pass", arguments: ["w", "W"])
    func busy(kind: String) {
        for number in 0...20 {
            if number > 0 { scripts.advance(50) }
            #expect(scripts.charge(kind, 60, capacity: 100, provisional: true).first == "1")
        }
        // Three of the 21 are as young as that.
        #expect(scripts.charge(kind, 60, capacity: 18) == ["0", "21"])
        #expect(scripts.charge(kind, 60, capacity: 20) == ["2", "21"])
    }

    @Test("of a rate too")
    func busyRate() {
        // One each second, so that hardly any drains.
        for number in 0...20 {
            if number > 0 { scripts.advance(50) }
            #expect(scripts.charge("r", 1_000_000_000, capacity: 100, provisional: true).first == "1")
        }
        #expect(scripts.charge("r", 1_000_000_000, capacity: 16).first == "0")
        #expect(scripts.charge("r", 1_000_000_000, capacity: 19).first == "2")
    }

    @Test("a charge that is given back leaves the window as it was, and one of another window is not given back")
    func window() {
        _ = scripts.charge("w", 60, capacity: 5)
        _ = scripts.charge("w", 60, capacity: 5, provisional: true)
        scripts.giveBack("w", 1, stamp: Self.end - 60, until: Self.end - 60)
        #expect(scripts.charge("w", 60, capacity: 2) == ["2", "2"])
        scripts.giveBack("w", 1, stamp: Self.end, until: Self.end)
        #expect(scripts.value == "1 \(Self.end)")
        scripts.giveBack("w", 7, stamp: Self.end, until: Self.end)
        #expect(scripts.value == "0 \(Self.end)")
    }

    @Test("a sliding window keeps what the window before had, whatever is given back")
    func sliding() {
        for _ in 0..<4 { _ = scripts.charge("W", 60, capacity: 9) }
        scripts.advance(60_000)
        _ = scripts.charge("W", 60, capacity: 9, provisional: true)
        #expect(scripts.value == "1 \(Self.end + 60) 4 1 \(scripts.now)")
        // Of nine, four are the window's before, one is provisional.
        #expect(scripts.charge("W", 60, capacity: 5) == ["2", "1"])
        scripts.giveBack("w", 1, stamp: Self.end + 60, until: Self.end + 120)
        #expect(scripts.value == "0 \(Self.end + 60) 4")
        scripts.advance(30_000)
        #expect(scripts.charge("W", 60, capacity: 3).first == "1")
        #expect(scripts.charge("W", 60, capacity: 3) == ["0", "1"])
    }

    @Test("of a rate only what the charge still stands for is given back, never another call's")
    func rate() {
        // One each 100 ms.
        _ = scripts.charge("r", 100_000_000, capacity: 2, provisional: true)
        let stamp = scripts.now
        scripts.advance(40)
        scripts.giveBack("r", 100_000_000, stamp: stamp)
        #expect(scripts.value.hasPrefix("0 "))
        _ = scripts.charge("r", 100_000_000, capacity: 2, provisional: true)
        let second = scripts.now
        scripts.advance(150)
        // The first has drained by now: this is another call's.
        #expect(scripts.charge("r", 100_000_000, capacity: 2) == ["1", "0"])
        scripts.giveBack("r", 100_000_000, stamp: second)
        #expect(scripts.charge("r", 100_000_000, capacity: 9) == ["1", "100000000"])
    }

    @Test("what a rate drains while a charge stands is what was there before it, so refused calls cost nothing")
    func rateBelow() {
        // One each 100 ms: five are there.
        for _ in 0..<5 { _ = scripts.charge("r", 100_000_000, capacity: 9) }
        for refused in 1...40 {
            let stamp = scripts.now
            let before = 500_000_000 - UInt64(refused - 1) * 2_000_000
            _ = scripts.charge("r", 100_000_000, capacity: 9, provisional: true)
            scripts.advance(2)
            scripts.giveBack("r", 100_000_000, stamp: stamp, until: before)
            #expect(scripts.value == "\(before - 2_000_000) \(scripts.now)")
        }
    }

    @Test("a rate's refusal by a provisional charge says so too")
    func rateMarks() {
        _ = scripts.charge("r", 100_000_000, capacity: 1, provisional: true)
        #expect(scripts.charge("r", 100_000_000, capacity: 1).first == "2")
        scripts.giveBack("r", 100_000_000)
        #expect(scripts.charge("r", 100_000_000, capacity: 1).first == "1")
        #expect(scripts.charge("r", 100_000_000, capacity: 1).first == "0")
    }

    @Test("what is not there is not given back")
    func nothing() {
        scripts.giveBack("w", 1, stamp: Self.end, until: Self.end)
        #expect(scripts.value == "")
    }
}
