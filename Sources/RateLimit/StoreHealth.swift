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

    /// The store decided, or did not: true where that is news. One kind of trouble after another is none.
    package mutating func note(_ trouble: StoreTrouble?) -> Bool {
        guard (trouble == nil) != (self.trouble == nil) else { return false }
        self.trouble = trouble
        return true
    }

    /// It has shown that it lives, by something other than a decision: true where that is news.
    package mutating func noteSignOfLife() -> Bool { trouble?.endsWithSignOfLife == true && note(nil) }

    /// The probe was not answered in time, or could not be sent.
    package mutating func probeFailed() { isProbing = false }
}
