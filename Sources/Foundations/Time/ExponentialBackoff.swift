/// How long to wait before the next attempt: twice as long after each failure, up to the longest. Pure.
package struct ExponentialBackoff: Sendable {
    private let first: Duration
    private let longest: Duration
    private var next: Duration
    /// Since it last succeeded.
    package private(set) var hasFailed = false

    package init(from first: Duration, to longest: Duration) {
        self.first = first
        self.longest = longest
        next = first
    }

    /// The wait after one more failure.
    package mutating func failed() -> Duration {
        defer { next = min(next * 2, longest) }
        hasFailed = true
        return next
    }

    package mutating func succeeded() {
        next = first
        hasFailed = false
    }
}
