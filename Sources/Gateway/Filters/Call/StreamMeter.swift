internal import Bytes
internal import GRPC
package import GatewayModel
package import RateLimit
package import Reactor

/// The limits inside a call's streams. What a stream carries passes at once, and is charged then: while it owes, nothing of that direction's
/// window is given back, so that it is never ahead by more than a window.
package final class StreamMeter {
    private(set) var gauges: [StreamGauge] = []
    /// Windows that are given back once nothing is owed.
    private var withheldOfRequest = 0
    private var withheldOfAnswer = 0
    /// The stage that is being decided, or was last, is that before authentication.
    var isEarly = false
    /// Runs while the call waits to be sent on, because earlier ones owe.
    var admission: Timer?

    func add(_ gauge: StreamGauge) { gauges.append(gauge) }

    /// The stage that has added gauges is over: the call goes on.
    func admit() { for gauge in gauges { gauge.isAdmitted = true } }

    /// Takes out those of a stage that has not let the call pass.
    func removeUnadmitted() -> [StreamGauge] {
        let removed = gauges.filter { !$0.isAdmitted }
        gauges.removeAll { !$0.isAdmitted }
        return removed
    }

    /// Whether the limit of an admission's refusal, by its slot, has callers wait.
    func holds(_ slot: Int) -> Bool { gauges.contains { !$0.isAdmitted && $0.slot == slot && $0.counting.isHeld } }

    private func owes(_ isOfRequest: Bool) -> Bool {
        gauges.contains { $0.counting.measure.isOfRequest == isOfRequest && $0.owes }
    }

    /// Keeps back a part of a window; false where it is to be given back now.
    func withholds(_ count: Int, ofRequest isOfRequest: Bool) -> Bool {
        guard owes(isOfRequest) else { return false }
        if isOfRequest { withheldOfRequest += count } else { withheldOfAnswer += count }
        return true
    }

    /// What is to be given back now.
    func release(ofRequest isOfRequest: Bool) -> Int {
        guard !owes(isOfRequest) else { return 0 }
        defer { if isOfRequest { withheldOfRequest = 0 } else { withheldOfAnswer = 0 } }
        return isOfRequest ? withheldOfRequest : withheldOfAnswer
    }
}

/// One limit inside a call's streams: what was charged, and what was carried.
///
///     paid ──carried more──▶ owing ──charged──▶ paid
///                              └refused──▶ the call ends, or waits, and is owing again
///
/// It asks for what it owes, and while an answer is to come for nothing more: what is carried meanwhile is the next question. Pure: no store,
/// no clock.
package final class StreamGauge {
    /// Names its one counter.
    let request: LimitRequest
    let limiter: any LimitCharger
    let counting: LimitConfiguration.StreamCounting
    /// In the request by which the call was admitted.
    let slot: Int
    var isAdmitted = false
    /// What was carried and not charged, in hits.
    private(set) var debt: UInt64 = 0
    private var rest = 0
    private var tracker = BoundaryTracker()
    private var asked: UInt64 = 0
    private(set) var isAsking = false
    var isWaiting = false
    /// The call is over.
    var isOver = false
    var timer: Timer?
    /// The log knows that its limit would have refused.
    var isShadowTold = false

    enum Step: Equatable {
        /// There may be more to ask for.
        case again
        case paid
        case wait
        case refuse
        case unavailable
    }

    init(
        _ request: LimitRequest, of limiter: any LimitCharger, _ counting: LimitConfiguration.StreamCounting, slot: Int
    ) {
        self.request = request
        self.limiter = limiter
        self.counting = counting
        self.slot = slot
    }

    var owes: Bool { debt > 0 }

    private var capacity: UInt64 { request.limit(at: 0).capacity }

    /// A part of the body has passed.
    func carry(_ bytes: BorrowedBytes) {
        guard !counting.measure.isOfBytes else { return carry(bytes.count) }
        let before = tracker.messageCount
        tracker.pass(bytes)
        debt += tracker.messageCount - before
    }

    func carry(_ byteCount: Int) {
        rest += byteCount
        debt += UInt64(rest / counting.unit)
        rest %= counting.unit
    }

    /// How many hits to ask for now; `nil` for none.
    func ask() -> UInt64? {
        guard owes, isAdmitted, !isAsking, !isWaiting, !isOver else { return nil }
        // More at once would never be admitted.
        asked = min(debt, capacity)
        isAsking = true
        return asked
    }

    /// The store has decided what was asked.
    func conclude(_ decision: LimitOutcome.Decision) -> Step {
        isAsking = false
        switch decision {
        case .allowed:
            debt -= asked
            return owes ? .again : .paid
        case .refused: return counting.isHeld ? .wait : .refuse
        case .unavailable: return .unavailable
        }
    }

    /// What is left to charge at the end of the call, whatever the level. A part of a unit counts as one.
    func takeDebt() -> UInt64 {
        defer { (debt, rest) = (0, 0) }
        return debt + (rest > 0 ? 1 : 0)
    }
}
