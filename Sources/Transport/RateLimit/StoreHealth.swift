package import Time

/// Whether a store outside this process is worth waiting for.
///
///     trusted ──5th timeout in a row──▶ skipped ──a second later──▶ probed ──an answer──▶ trusted
///                                          ▲                           │
///                                          └─────────no answer─────────┘
///
/// While it is skipped no call waits for it: a probe is a request of its own, beside the call that caused it.
/// Pure: time is an argument.
package struct StoreHealth {
    package enum Admission: Equatable {
        case use
        /// Decide without the store.
        case skip
        /// Decide without the store, and send it a question; then say how that went.
        case probe
    }

    package static let timeoutsInRowMax = 5
    package static let probeInterval = Duration.seconds(1)

    private var timeoutsInRow = 0
    private var nextProbe = Instant(nanoseconds: 0)
    private var isProbing = false
    /// What was last reported of the store; `nil` while it decides.
    package private(set) var trouble: StoreTrouble?
    /// The codes of what was reported since it last decided.
    private var reported: [String] = []
    private static let reportedMax = 8
    /// When the last decision failed. A store that decides only some calls stays in trouble, instead of alternating with every call.
    private var lastTrouble = Instant(nanoseconds: 0)
    package static let quietMin = Duration.seconds(1)

    package init() {}

    package var isSkipping: Bool { timeoutsInRow >= Self.timeoutsInRowMax }

    package mutating func admit(now: Instant) -> Admission {
        guard isSkipping else { return .use }
        guard !isProbing, now >= nextProbe else { return .skip }
        isProbing = true
        nextProbe = now + Self.probeInterval
        return .probe
    }

    /// The store answered, a call or a probe.
    package mutating func answered() {
        timeoutsInRow = 0
        isProbing = false
    }

    /// A call was not answered in time.
    package mutating func timedOut(now: Instant) {
        guard !isSkipping else { return }
        timeoutsInRow += 1
        if isSkipping { nextProbe = now + Self.probeInterval }
    }

    /// The store decided, or did not: true where that is to be reported. Further trouble is reported only with another code.
    package mutating func record(_ trouble: StoreTrouble?, now: Instant) -> Bool {
        guard let trouble else {
            guard self.trouble != nil, lastTrouble + Self.quietMin <= now else { return false }
            self.trouble = nil
            reported = []
            return true
        }
        lastTrouble = now
        let code = trouble.code
        if self.trouble != nil {
            guard let code, !reported.contains(code), reported.count < Self.reportedMax else { return false }
        }
        self.trouble = trouble
        if let code { reported.append(code) }
        return true
    }

    /// The probe was not answered in time, or could not be sent.
    package mutating func probeFailed() { isProbing = false }
}
