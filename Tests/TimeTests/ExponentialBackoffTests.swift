import Testing

@testable import Time

@Suite struct ExponentialBackoffTests {
    @Test("each failure doubles the wait up to the maximum, and a success begins anew")
    func doubles() {
        var backoff = ExponentialBackoff(from: .milliseconds(50), to: .milliseconds(300))
        #expect(!backoff.hasFailed)
        for milliseconds in [50, 100, 200, 300, 300, 300] { #expect(backoff.failed() == .milliseconds(milliseconds)) }
        #expect(backoff.hasFailed)
        backoff.succeeded()
        #expect(!backoff.hasFailed && backoff.failed() == .milliseconds(50))
    }

    @Test("it never overflows, also where the first wait is the longest")
    func endless() {
        var (short, even) = (
            ExponentialBackoff(from: .nanoseconds(1), to: .seconds(1 << 40)), ExponentialBackoff(from: .seconds(1), to: .seconds(1))
        )
        for _ in 0..<1000 {
            _ = short.failed()
            #expect(even.failed() == .seconds(1) && even.hasFailed)
        }
        #expect(short.failed() == .seconds(1 << 40))
    }

    @Test("a wait is shortened by up to a half, or lengthened by up to a quarter")
    func jitter() {
        let wait = Duration.seconds(4)
        #expect(wait.shortened(0) == wait && wait.shortened(.max) == .seconds(2) && wait.shortened(1 << 63) == .seconds(3))
        #expect(wait.lengthened(0) == wait && wait.lengthened(.max) == .seconds(5) && Duration.zero.shortened(.max) == .zero)
    }
}
