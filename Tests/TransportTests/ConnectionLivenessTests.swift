import Testing

@testable import Transport

@Suite("Whether a connection's peer still answers")
struct ConnectionLivenessTests {
    private static let second: UInt64 = 1_000_000_000
    private static let start = 1000 * second

    private func make(keepalive: Duration? = nil) -> ConnectionLiveness {
        ConnectionLiveness(LivenessSettings(pingTimeout: .seconds(3), keepalive: keepalive), now: Self.start)
    }

    /// Seconds behind the connection's beginning.
    private func at(_ seconds: Double) -> UInt64 { Self.start + UInt64(seconds * 1e9) }

    @Test("silence through a whole call is suspicious, and the end after the timeout")
    func silence() {
        var liveness = make()
        #expect(liveness.callFailed(began: at(1), now: at(3), lastFrame: 0) == .ping)
        #expect(liveness.isSuspected && liveness.wakes == at(6))
        #expect(liveness.timePassed(now: at(5.999), lastWritten: nil, lastFrame: 0, hasCalls: true) == .none)
        #expect(liveness.timePassed(now: at(6), lastWritten: nil, lastFrame: 0, hasCalls: true) == .close)
        #expect(liveness.state == .dead && liveness.wakes == nil)
        // It is over, whatever may still come.
        _ = liveness.received(now: at(7))
        #expect(liveness.isSuspected)
    }

    @Test(
        "any byte since a call began speaks for the peer, but for those at its very beginning",
        arguments: [(1.0, true), (1.1, true), (1.25, true), (1.26, false), (2.9, false)])
    func heard(byte: Double, isSuspected: Bool) {
        var liveness = make()
        _ = liveness.received(now: at(byte))
        let probe = liveness.callFailed(began: at(1), now: at(3), lastFrame: 0)
        #expect((probe != nil) == isSuspected)
    }

    @Test("a call that began and ended in one moment says nothing")
    func instant() {
        var liveness = make()
        #expect(liveness.callFailed(began: at(1), now: at(1), lastFrame: 0) == nil)
    }

    @Test("any byte clears a suspicion, once")
    func cleared() {
        var liveness = make()
        _ = liveness.callFailed(began: at(1), now: at(3), lastFrame: 0)
        let news = (0..<2).map { _ in liveness.received(now: at(4)) }
        #expect(news == [true, false] && !liveness.isSuspected)
        #expect(liveness.timePassed(now: at(6), lastWritten: nil, lastFrame: 0, hasCalls: true) == .none)
        #expect(liveness.wakes == nil)
    }

    @Test("calls that fail while it is suspected change nothing")
    func more() {
        var liveness = make()
        _ = liveness.callFailed(began: at(1), now: at(3), lastFrame: 0)
        #expect(liveness.callFailed(began: at(1), now: at(5), lastFrame: 0) == nil)
        #expect(liveness.wakes == at(6))
    }

    @Test("one PING at a time, and two until HEADERS or DATA have come; then SETTINGS ask")
    func pings() {
        var liveness = make()
        var time = 1.0
        func fail(lastFrame: UInt64 = 0) -> ConnectionLiveness.Probe? {
            let probe = liveness.callFailed(began: at(time), now: at(time + 1), lastFrame: lastFrame)
            time += 2
            _ = liveness.received(now: at(time))
            return probe
        }
        #expect(fail() == .ping)
        // A byte came that was no acknowledgement.
        #expect(fail() == .settings)
        liveness.pingAnswered()
        #expect(fail() == .ping)
        liveness.pingAnswered()
        #expect(fail() == .settings)
        #expect(fail() == .settings)
        #expect(fail(lastFrame: at(time)) == .ping)
    }

    @Test("a probe that waits for a full socket is given its time from when the socket last took something")
    func blocked() {
        var liveness = make()
        _ = liveness.callFailed(began: at(1), now: at(3), lastFrame: 0)
        #expect(liveness.timePassed(now: at(6), lastWritten: at(5), lastFrame: 0, hasCalls: true) == .none)
        #expect(liveness.wakes == at(8))
        #expect(liveness.timePassed(now: at(8), lastWritten: at(5), lastFrame: 0, hasCalls: true) == .close)
    }

    @Test("a keepalive asks after its silence where there are calls, and its timeout is the end")
    func keepalive() {
        var liveness = make(keepalive: .seconds(10))
        #expect(liveness.wakes == at(10))
        _ = liveness.received(now: at(4))
        #expect(liveness.timePassed(now: at(10), lastWritten: nil, lastFrame: 0, hasCalls: true) == .none)
        #expect(liveness.wakes == at(14))
        #expect(liveness.timePassed(now: at(14), lastWritten: nil, lastFrame: 0, hasCalls: true) == .send(.ping))
        #expect(!liveness.isSuspected && liveness.wakes == at(17))
        let isNews = liveness.received(now: at(15))
        #expect(!isNews && liveness.wakes == at(25))
        #expect(liveness.timePassed(now: at(25), lastWritten: nil, lastFrame: 0, hasCalls: false) == .none)
        #expect(liveness.wakes == at(35))
        // The first PING was not acknowledged.
        #expect(liveness.timePassed(now: at(35), lastWritten: nil, lastFrame: 0, hasCalls: true) == .send(.settings))
        #expect(liveness.timePassed(now: at(38), lastWritten: nil, lastFrame: 0, hasCalls: true) == .close)
    }

    @Test("a call that fails in silence while a keepalive waits makes it a suspicion, with the time that is left")
    func checking() {
        var liveness = make(keepalive: .seconds(10))
        #expect(liveness.timePassed(now: at(10), lastWritten: nil, lastFrame: 0, hasCalls: true) == .send(.ping))
        #expect(liveness.callFailed(began: at(1), now: at(11), lastFrame: 0) == ConnectionLiveness.Probe.none)
        #expect(liveness.isSuspected && liveness.wakes == at(13))
    }
}
