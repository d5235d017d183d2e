import Random
import Testing
import Time

@testable import Reactor

@Suite struct TimerWheelTests {
    /// A timer's own record: the wheel wants memory that does not move.
    final class Armed {
        let node: UnsafeMutablePointer<TimerNode>
        private let body: Body

        private final class Body { var action: () -> Void = {} }

        init(_ action: @escaping () -> Void = {}) {
            body = Body()
            body.action = action
            node = .allocate(capacity: 1)
            node.initialize(
                to: TimerNode(context: Unmanaged.passUnretained(body).toOpaque()) {
                    Unmanaged<Body>.fromOpaque($0!).takeUnretainedValue().action()
                })
        }

        func onFire(_ action: @escaping () -> Void) { body.action = action }

        deinit {
            node.deinitialize(count: 1)
            node.deallocate()
        }
    }

    static func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test("a timer fires at its time, once, and never a nanosecond early")
    func firesOnce() {
        let wheel = TimerWheel(now: Self.at(5))
        var fired = 0
        let timer = Armed { fired += 1 }
        wheel.arm(timer.node, at: Instant(nanoseconds: 10_000_001))
        wheel.fire(now: Instant(nanoseconds: 10_999_999))
        #expect(fired == 0)
        #expect(timer.node.pointee.isArmed)
        wheel.fire(now: Self.at(11))
        #expect(fired == 1)
        #expect(!timer.node.pointee.isArmed)
        wheel.fire(now: Self.at(10_000_000))
        #expect(fired == 1)
        #expect(wheel.armedCount == 0)
        #expect(wheel.nextInstant() == nil)
    }

    @Test("an instant that has passed fires with the next tick, not within this one")
    func pastFires() {
        let wheel = TimerWheel(now: Self.at(1000))
        var fired = 0
        let timer = Armed { fired += 1 }
        wheel.arm(timer.node, at: Self.at(3))
        wheel.fire(now: Self.at(1000))
        #expect(fired == 0)
        wheel.fire(now: Self.at(1001))
        #expect(fired == 1)
    }

    @Test("a timer that arms itself again from its own action fires once a turn")
    func rearmsItself() {
        let wheel = TimerWheel(now: Self.at(0))
        var fired: [UInt64] = []
        var now: UInt64 = 0
        let timer = Armed()
        timer.onFire { [unowned timer] in
            fired.append(now)
            wheel.arm(timer.node, at: Self.at(now + 64))
        }
        wheel.arm(timer.node, at: Self.at(64))
        while now < 640 { now += 1; wheel.fire(now: Self.at(now)) }
        #expect(fired == stride(from: 64, through: 640, by: 64).map { UInt64($0) })
        // A clock that leaps, as after a suspended machine, gives one call for each time that is due now.
        fired = []
        now = 10_000
        wheel.fire(now: Self.at(now))
        #expect(fired == [10_000])
    }

    @Test("an action may disarm others that are due in the same millisecond")
    func disarmsNeighbours() {
        let wheel = TimerWheel(now: Self.at(0))
        var fired: [Int] = []
        let timers = (0..<3).map { _ in Armed() }
        for (index, timer) in timers.enumerated() {
            timer.onFire {
                fired.append(index)
                for other in timers where other !== timer { wheel.disarm(other.node) }
            }
            wheel.arm(timer.node, at: Self.at(100))
        }
        wheel.fire(now: Self.at(100))
        #expect(fired.count == 1)
        #expect(wheel.armedCount == 0)
    }

    @Test("what lies beyond the wheel's reach fires when its reach is over")
    func farFuture() {
        let reach: UInt64 = (1 << 36) - 1
        let wheel = TimerWheel(now: Self.at(7))
        var fired = 0
        let timer = Armed { fired += 1 }
        wheel.arm(timer.node, at: .distantFuture)
        wheel.fire(now: Self.at(7 + reach - 1))
        #expect(fired == 0)
        wheel.fire(now: Self.at(7 + reach))
        #expect(fired == 1)
    }

    @Test(
        "the next instant is never late, and waiting for it time and again gets there in few steps",
        arguments: [0, 63, 64, 4095, 262_143, (1 << 36) - 2, (1 << 36) + 5, (1 << 40) - 1] as [UInt64])
    func nextInstant(start: UInt64) {
        for distance: UInt64 in [1, 2, 63, 64, 65, 4096, 100_000, 20_000_000, 1 << 31, (1 << 36) - 1] {
            let wheel = TimerWheel(now: Self.at(start))
            var fired = false
            let timer = Armed { fired = true }
            wheel.arm(timer.node, at: Self.at(start + distance))
            var steps = 0
            while !fired, let next = wheel.nextInstant() {
                #expect(next <= Self.at(start + distance))
                wheel.fire(now: next)
                steps += 1
                if steps > 20 { break }
            }
            #expect(fired, "from \(start) by \(distance)")
            #expect(steps <= 12, "from \(start) by \(distance)")
        }
    }

    @Test("whatever is armed, moved, disarmed and fired, it does what a sorted list would", arguments: 0..<12)
    func againstModel(seed: Int) {
        var random = RandomGenerator(seed: UInt64(seed) + 1)
        // Begins shortly before a turn of a level, also of the highest.
        let starts: [UInt64] = [0, 61, 4090, 262_100, (1 << 30) - 50, (1 << 36) - 5000]
        var now = starts[seed % starts.count]
        let wheel = TimerWheel(now: Self.at(now))
        var due: [Int: UInt64] = [:]
        var fired: [Int] = []
        let timers = (0..<200).map { index in Armed { fired.append(index) } }
        // Short spans mostly, now and then hours or weeks: every level is used.
        func span() -> UInt64 { UInt64.random(in: 0..<(1 << UInt64.random(in: 1...32, using: &random)), using: &random) }
        for _ in 0..<4000 {
            let index = Int.random(in: 0..<timers.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let wanted = now + span()
                wheel.arm(timers[index].node, at: Self.at(wanted))
                due[index] = max(wanted, now + 1)
            case 5:
                wheel.disarm(timers[index].node)
                due[index] = nil
            default:
                now += Bool.random(using: &random) ? span() >> 16 : span()
                wheel.fire(now: Self.at(now))
                let expected = due.filter { $0.value <= now }
                #expect(Set(fired) == Set(expected.keys))
                #expect(fired.count == expected.count)
                // In order of time.
                let times = fired.compactMap { due[$0] }
                #expect(times == times.sorted())
                for index in fired { due[index] = nil }
                fired = []
            }
            #expect(wheel.armedCount == due.count)
            if let first = due.values.min() {
                #expect(wheel.nextInstant().map { $0 <= Self.at(first) } == true)
            } else {
                #expect(wheel.nextInstant() == nil)
            }
        }
        for timer in timers { wheel.disarm(timer.node) }
    }
}
