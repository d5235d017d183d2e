internal import Glibc
package import Time

/// An endpoint's share grows from little to whole in the time after it came up:
/// weight × max(minimum, (elapsed ÷ window) ^ (1 ÷ aggression)).
package struct SlowStart: Sendable, Equatable {
    package var window: Duration
    /// 1 grows evenly; above, faster at first.
    package var aggression: Double
    /// Of a hundred.
    package var minimumPercent: Int

    package init(window: Duration, aggression: Double = 1, minimumPercent: Int = 10) {
        self.window = window
        self.aggression = aggression
        self.minimumPercent = minimumPercent
    }

    /// The part of its weight that an endpoint has which came up at `began`: above 0, at most 1.
    package func factor(since began: Instant, now: Instant) -> Double {
        let elapsed = Double(now.nanoseconds(since: began)) / Double(max(1, window.nanoseconds))
        guard elapsed < 1 else { return 1 }
        let grown = aggression == 1 ? elapsed : pow(elapsed, 1 / aggression)
        return max(grown, Double(minimumPercent) / 100, 0.001)
    }
}
