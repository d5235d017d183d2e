import Bytes
import Testing
import Time

@testable import Balancing

@Suite("An error breaker")
struct ErrorBreakerTests {
    let breaker = ErrorBreaker(
        BreakerSettings(failurePercent: 50, callsMin: 10, window: .seconds(10), openFor: .seconds(5), probes: 2))
    let start = Instant(nanoseconds: 1_000_000_000_000)

    private func record(_ failures: Int, of calls: Int, at now: Instant) {
        for index in 0..<calls { breaker.record(isFailure: index >= calls - failures, began: now, now: now) }
    }

    @Test("opens at its ratio, not below it, and not before there are enough calls")
    func opens() {
        record(9, of: 9, at: start)
        #expect(breaker.state(at: start) == .closed && breaker.admit(at: start))
        record(0, of: 10, at: start)
        #expect(breaker.state(at: start) == .closed)
        record(1, of: 1, at: start)
        #expect(breaker.state(at: start) == .open, "10 of 20")
        #expect(!breaker.admit(at: start) && breaker.opensIn(start) == .seconds(5))
    }

    @Test("what failed in one window does not count in the next")
    func windows() {
        record(9, of: 9, at: start)
        record(5, of: 12, at: start + .seconds(10))
        #expect(breaker.state(at: start + .seconds(10)) == .closed)
    }

    @Test("lets probes pass when its time is up, and closes when all of them have succeeded")
    func closes() {
        record(10, of: 10, at: start)
        #expect(!breaker.wouldAdmit(at: start + .milliseconds(4999)))
        let later = start + .seconds(5)
        #expect(breaker.state(at: later) == .halfOpen && breaker.wouldAdmit(at: later))
        #expect(breaker.admit(at: later) && breaker.admit(at: later) && !breaker.admit(at: later))
        breaker.record(isFailure: false, began: later, now: later)
        #expect(breaker.state(at: later) == .halfOpen)
        #expect(breaker.record(isFailure: false, began: later, now: later))
        #expect(breaker.state(at: later) == .closed && breaker.admit(at: later))
        record(9, of: 9, at: later)
        #expect(breaker.state(at: later) == .closed, "it counts anew")
    }

    @Test("a probe that fails opens it again")
    func reopens() {
        record(10, of: 10, at: start)
        let later = start + .seconds(6)
        #expect(breaker.admit(at: later))
        breaker.record(isFailure: true, began: later, now: later)
        #expect(breaker.state(at: later) == .open)
        #expect(breaker.opensIn(later) == .seconds(5))
    }

    @Test("calls from before it opened are no probes")
    func stragglers() {
        record(10, of: 10, at: start)
        breaker.record(isFailure: false, began: start, now: start + .seconds(1))
        let later = start + .seconds(5)
        #expect(breaker.admit(at: later))
        for _ in 0..<5 { breaker.record(isFailure: false, began: start, now: later) }
        breaker.record(isFailure: true, began: start, now: later)
        #expect(breaker.state(at: later) == .halfOpen)
    }

    @Test("probes that nobody hears of again are given out anew")
    func lostProbes() {
        record(10, of: 10, at: start)
        let later = start + .seconds(5)
        #expect(breaker.admit(at: later) && breaker.admit(at: later) && !breaker.admit(at: later + .seconds(4)))
        #expect(breaker.wouldAdmit(at: later + .seconds(5)) && breaker.admit(at: later + .seconds(5)))
    }

    @Test("an open endpoint is passed over, gets its probes, and where all are open a call is told how long")
    func inBalancer() {
        let crew = Crew(2, policy: .roundRobin)
        crew[0].breaker = Borrowed(breaker)
        crew.now = start
        record(10, of: 10, at: start)
        #expect(crew.picks(20) == [0, 20])
        crew.now = start + .seconds(5)
        #expect(crew.picks(20) == [2, 18], "two probes")
        let other = ErrorBreaker(
            BreakerSettings(failurePercent: 1, callsMin: 1, window: .seconds(10), openFor: .seconds(9), probes: 1))
        other.record(isFailure: true, began: crew.now, now: crew.now)
        breaker.record(isFailure: true, began: crew.now, now: crew.now)
        crew[1].breaker = Borrowed(other)
        guard case .blocked(let time) = crew.balancer.pick(now: crew.now) else { return #expect(Bool(false)) }
        #expect(time == .seconds(5))
    }
}
