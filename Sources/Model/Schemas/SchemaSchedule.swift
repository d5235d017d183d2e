package import Time

/// When one cluster is asked for its schema next.
///
///     due ──begun──▶ asking ──succeeded──▶ resting ──interval, or a hint──▶ due
///                      └──────failed─────▶ waiting ──1 s, 2 s, … 30 s─────▶ due
///
/// Pure: time and chance are handed in.
package struct SchemaSchedule {
    /// `nil` while it is being asked.
    package private(set) var next: Instant?
    private var backoff = ExponentialBackoff(from: waitMin, to: waitMax)
    private var lastBegan: Instant?

    package static let waitMin = Duration.seconds(1)
    package static let waitMax = Duration.seconds(30)
    /// Any caller can name methods that do not exist: they cost the cluster one question in this time and no more.
    package static let hintPeriod = Duration.seconds(10)

    package init(at now: Instant) { next = now }

    package func isDue(at now: Instant) -> Bool { next.map { $0 <= now } ?? false }

    package mutating func begun(at now: Instant) {
        next = nil
        lastBegan = now
    }

    package mutating func succeeded(at now: Instant, interval: Duration) {
        backoff.succeeded()
        next = now + interval
    }

    /// - Parameter chance: any number; waits become up to a quarter longer, so that gateways that lost a backend together do
    ///   not come back together.
    package mutating func failed(at now: Instant, chance: UInt64) {
        next = now + min(backoff.failed().lengthened(chance), Self.waitMax)
    }

    /// A method was called that the endpoints do not have, or that is in no schema: perhaps they are others by now.
    package mutating func hinted(at now: Instant) {
        guard let next, !backoff.hasFailed, let lastBegan else { return }
        self.next = min(next, max(now, lastBegan + Self.hintPeriod))
    }

    /// Its endpoints are others now.
    package mutating func moved(at now: Instant) {
        guard next != nil, backoff.hasFailed else { return }
        next = now
    }
}
