internal import Redis
internal import Time

/// One call's decision while it is made in Redis: which of its limits are counted together, and what became of each group.
///
///     asked ──all charged──▶ allowed
///       │ ──some refused──▶ what was charged is given back ──▶ refused, whatever others have left unanswered
///       │        └──only because of charges that may be given back themselves──▶ asked once more
///       └──some without an answer, none refused for good──▶ `when_unavailable`
///
/// On one server there is a single group, and nothing to give back. In a cluster the counters of a slot are a group: one script
/// each, all at once. A charge of several groups stands until all have answered, so there are never more than the limit, but another
/// call may be refused by a charge that does not last. Pure; used again with its request.
final class RedisDecision {
    /// A counter's group, and what the script found before the call.
    struct Counter {
        var group = 0
        var found: ScriptCounter?
        var isCharged = false
        /// As `ScriptAnswer.Shares`.
        var allLeased: UInt64 = 0
        /// Refused because of leases alone: when these end at the latest, in nanoseconds.
        var leasesEndAfter: UInt64?
        /// Of calls in flight: what this worker holds of it.
        var held: HeldCounter?
        /// It has been asked for, and has not answered.
        var isAsked = false
    }

    enum Step: Equatable {
        case wait
        case conclude(isCharged: Bool)
        /// Ask all groups again, a moment later.
        case repeatOnce
        case unavailable
    }

    var counters: [Counter] = []
    private(set) var slots: [ClusterSlot] = []
    private var outstanding = 0
    private var isRefused = false
    /// By what does not come back in a moment.
    private(set) var isRefusedForGood = false
    private var hasFailed = false
    private(set) var isUncertain = false
    private var isRepeated = false

    init() {
        counters.reserveCapacity(LimitRequest.limitsMax)
        slots.reserveCapacity(LimitRequest.limitsMax)
    }

    var groupCount: Int { slots.count }
    /// Its charges may have to be given back.
    var isProvisional: Bool { slots.count > 1 && !isChargedAlways }
    private var isChargedAlways = false

    func reset(_ charging: LimitRequest.Charging) {
        isChargedAlways = charging == .always
        counters.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
        isRepeated = false
        begin()
    }

    private func begin() {
        outstanding = 0
        isRefused = false
        isRefusedForGood = false
        hasFailed = false
        isUncertain = false
    }

    /// The next limit's counter.
    func add(_ slot: ClusterSlot) {
        let group = slots.firstIndex(of: slot) ?? slots.count
        if group == slots.count { slots.append(slot) }
        counters.append(Counter(group: group))
    }

    /// How many counters a group has.
    func counterCount(in group: Int) -> Int { counters.count { $0.group == group } }

    func sent(_ group: Int) {
        outstanding += 1
        for index in counters.indices where counters[index].group == group { counters[index].isAsked = true }
    }

    /// It could not be sent, or has no answer; with `isUncertain` it may have been carried out, and probably was.
    func failed(isUncertain: Bool = false) {
        hasFailed = true
        if isUncertain { self.isUncertain = true }
    }

    func replied(_ group: Int, isCharged: Bool, isPassing: Bool, leasesEndAfter: UInt64? = nil) {
        if !isCharged {
            isRefused = true
            if !isPassing { isRefusedForGood = true }
        }
        for index in counters.indices where counters[index].group == group {
            counters[index].isCharged = isCharged
            counters[index].isAsked = false
            counters[index].leasesEndAfter = leasesEndAfter
        }
    }

    /// One that was sent has been dealt with.
    func received() { outstanding -= 1 }

    /// - Parameter canRepeat: there is time for it.
    func step(canRepeat: Bool) -> Step {
        if outstanding > 0 { return .wait }
        // Whatever the others would have said.
        if isRefusedForGood { return .conclude(isCharged: false) }
        if hasFailed { return .unavailable }
        if !isRefused { return .conclude(isCharged: true) }
        guard !isRepeated, canRepeat else { return .conclude(isCharged: false) }
        return .repeatOnce
    }

    /// After `repeatOnce`, and once what was charged has been given back.
    func again() {
        isRepeated = true
        begin()
        for index in counters.indices {
            counters[index].isCharged = false
            counters[index].isAsked = false
        }
    }

    var isOutstanding: Bool { outstanding > 0 }
}
