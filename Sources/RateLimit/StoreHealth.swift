package import Time

/// Whether a store outside this process is worth waiting for.
///
///     trusted ──5th timeout in a row──▶ skipped ──a second later──▶ probed ──an answer──▶ trusted
///                                          ▲                           │
///                                          └─────────no answer─────────┘
///
/// While it is skipped no call waits for it: a probe is a question of its own beside the call that brought it about.
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
    /// What those who run the process have last heard of the store.
    package private(set) var trouble: StoreTrouble?
    /// The codes of what they have heard since it last decided.
    private var told: [String] = []
    private static let toldMax = 8
    /// When the last decision failed. A store that decides some calls and not others is in trouble, and changes no mind
    /// with every call.
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

    /// The store decided, or did not: true where that is news. Other trouble is news only by words of its own.
    package mutating func record(_ trouble: StoreTrouble?, now: Instant) -> Bool {
        guard let trouble else {
            guard self.trouble != nil, lastTrouble + Self.quietMin <= now else { return false }
            self.trouble = nil
            told = []
            return true
        }
        lastTrouble = now
        let code = trouble.code
        if self.trouble != nil {
            guard let code, !told.contains(code), told.count < Self.toldMax else { return false }
        }
        self.trouble = trouble
        if let code { told.append(code) }
        return true
    }

    /// The probe was not answered in time, or could not be sent.
    package mutating func probeFailed() { isProbing = false }
}
