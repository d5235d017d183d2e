internal import Time

/// When one key set is fetched next.
///
///     due ──begun──▶ fetching ──succeeded──▶ resting ──fresh no more, or a hint──▶ due
///                       └──────failed──────▶ waiting ──1 s, 2 s, … 60 s──────────▶ due
///
/// Pure: time and chance are handed in.
struct KeySetSchedule {
    /// `nil` while it is being fetched.
    private(set) var next: Instant?
    private var backoff = ExponentialBackoff(from: waitMin, to: waitMax)
    /// Hints before this are not believed.
    private var hintsFrom = Instant(nanoseconds: 0)

    static let freshness = Duration.seconds(600)
    static let freshnessMin = Duration.seconds(60)
    static let freshnessMax = Duration.seconds(3600)
    static let waitMin = Duration.seconds(1)
    static let waitMax = Duration.seconds(60)
    /// Any caller can make up key names: they cost the issuer one fetch in this time and no more.
    static let hintPeriod = Duration.seconds(10)

    init(at now: Instant) { next = now }

    func isDue(at now: Instant) -> Bool { next.map { $0 <= now } ?? false }

    mutating func begun() { next = nil }

    /// - Parameter freshFor: what the server said of it; `nil` for nothing.
    mutating func succeeded(at now: Instant, freshFor: Duration?) {
        backoff.succeeded()
        next = now + min(max(freshFor ?? Self.freshness, Self.freshnessMin), Self.freshnessMax)
    }

    /// - Parameter chance: any number; waits become up to a quarter longer, so that gateways that lost an issuer together
    ///   do not come back together.
    mutating func failed(at now: Instant, chance: UInt64) {
        next = now + min(backoff.failed().lengthened(chance), Self.waitMax)
    }

    /// A token named a key that is not in the set: perhaps it is new.
    ///
    /// - Returns: whether it is fetched now rather than later.
    mutating func hinted(at now: Instant) -> Bool {
        guard let next, !backoff.hasFailed, now >= hintsFrom, next > now else { return false }
        hintsFrom = now + Self.hintPeriod
        self.next = now
        return true
    }
}
