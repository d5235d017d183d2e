/// One limit's decision on one call.
package struct LimitVerdict: Equatable, Sendable {
    package var isAllowed: Bool
    /// The most hits at once.
    package var limit: UInt64
    /// Hits left after this call if it was charged, and as things stand if it was not.
    package var remaining: UInt64
    /// When the same call would fit, if no other call comes. Zero for an allowed one, `never` for more hits than the limit.
    package var retryAfterNanoseconds: UInt64
    /// When the counter is back at its full `limit`.
    package var resetAfterNanoseconds: UInt64
    /// Of a rule of a service's own, which alone knows it; else zero.
    package var windowSeconds: UInt64

    package static let never = UInt64.max

    /// Of a limit that was not asked, or has not answered, while another refused the call.
    static let unknown = LimitVerdict(
        isAllowed: true, limit: 0, remaining: .max, retryAfterNanoseconds: 0, resetAfterNanoseconds: 0)

    /// Whether there is anything to tell of it.
    package var isKnown: Bool { remaining != .max }

    /// Whole ones, rounded up.
    package var resetAfterSeconds: UInt64 {
        let (seconds, rest) = resetAfterNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return rest == 0 ? seconds : seconds + 1
    }

    package init(
        isAllowed: Bool, limit: UInt64, remaining: UInt64, retryAfterNanoseconds: UInt64, resetAfterNanoseconds: UInt64,
        windowSeconds: UInt64 = 0
    ) {
        self.isAllowed = isAllowed
        self.limit = limit
        self.remaining = remaining
        self.retryAfterNanoseconds = retryAfterNanoseconds
        self.resetAfterNanoseconds = resetAfterNanoseconds
        self.windowSeconds = windowSeconds
    }
}
