import Balancing
import GRPC
import GatewayModel
import Testing
import Time

@testable import Calls

@Suite("What a retry policy decides")
struct RetryPolicyTests {
    private let policy = RetryPolicy(conditions: RetryConditions(), attempts: 4)
    private let now = Instant(nanoseconds: 1_000_000_000)

    @Test(
        "full jitter: from nothing to a bound that doubles up to the largest",
        arguments: [
            (1, 25), (2, 50), (3, 100), (4, 200), (5, 250), (6, 250), (60, 250),
        ])
    func backoff(step: Int, milliseconds: Int) {
        let backoff = Backoff.defaults
        #expect(backoff.delay(step: step, random: 0) == .zero)
        let middle = backoff.delay(step: step, random: 1 << 63)
        #expect(middle > .milliseconds(milliseconds) * 0.49 && middle < .milliseconds(milliseconds) * 0.51)
        #expect(backoff.delay(step: step, random: .max) == .milliseconds(milliseconds))
    }

    @Test("a large base does not overflow")
    func largeBackoff() {
        let backoff = Backoff(base: .seconds(86_400), max: .seconds(86_400 * 30))
        #expect(backoff.delay(step: 60, random: .max) == .seconds(86_400 * 30))
    }

    @Test("after as many tries as it allows there is no other, whoever asks")
    func limit() {
        var retries = Retries()
        for _ in 0..<3 {
            guard case .retry = retries.decide(policy, .none, now: now, deadline: .distantFuture, random: 0) else {
                Issue.record("not tried again")
                return
            }
            retries.recordRetry(.none)
        }
        #expect(retries.tries == 4)
        #expect(retries.decide(policy, .none, now: now, deadline: .distantFuture, random: 0) == .limitReached)
        #expect(retries.decide(policy, .after(.zero), now: now, deadline: .distantFuture, random: 0) == .limitReached)
    }

    @Test("after a pushback the backoff begins anew")
    func pushback() {
        var retries = Retries()
        retries.recordRetry(.none)
        #expect(retries.decide(policy, .none, now: now, deadline: .distantFuture, random: .max) == .retry(after: .milliseconds(50)))
        let pushback = Pushback.after(.seconds(2))
        #expect(retries.decide(policy, pushback, now: now, deadline: .distantFuture, random: .max) == .retry(after: .seconds(2)))
        retries.recordRetry(pushback)
        #expect(retries.decide(policy, .none, now: now, deadline: .distantFuture, random: .max) == .retry(after: .milliseconds(25)))
    }

    @Test("a try that would begin at the deadline is not begun, one a nanosecond before it is")
    func deadline() {
        let retries = Retries()
        let delay = Duration.milliseconds(25)
        #expect(retries.decide(policy, .none, now: now, deadline: now + delay, random: .max) == .tooLate)
        let later = now + delay + .nanoseconds(1)
        #expect(retries.decide(policy, .none, now: now, deadline: later, random: .max) == .retry(after: delay))
    }

    @Test(
        "pushback is a number of milliseconds, or no",
        arguments: [
            ("0", Pushback.after(.zero)), ("250", .after(.milliseconds(250))), ("30000", .after(.seconds(30))), ("30001", .never),
            ("-1", .never), ("", .never), ("1s", .never), ("99999999999999999999", .never),
        ])
    func reading(text: String, expected: Pushback) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { #expect(Pushback($0) == expected) }
        #expect(Pushback(nil) == .none)
    }

    @Test(
        "a budget is a share of what runs, and a few always",
        arguments: [
            (0, 0, true), (2, 0, true), (3, 0, false), (3, 19, false), (3, 20, true), (4, 24, false), (4, 25, true),
            (199, 1000, true), (200, 1000, false),
        ])
    func budget(running: Int, active: Int, allows: Bool) {
        #expect(RetryBudget.defaults.allows(running, beside: active) == allows)
    }

    @Test("conditions hold what was put in")
    func conditions() {
        var conditions = RetryConditions()
        #expect(!conditions.hasStatuses && !conditions.contains(.unavailable) && !conditions.contains(.reset))
        conditions.insert(.unavailable)
        conditions.insert(.unauthenticated)
        conditions.insert(httpStatus: 503)
        conditions.insert(RetryConditions.Causes.reset)
        #expect(conditions.hasStatuses && conditions.contains(.unavailable) && conditions.contains(.unauthenticated))
        #expect(!conditions.contains(.ok) && !conditions.contains(.connectFailure) && conditions.contains(.reset))
        #expect(conditions.contains(httpStatus: 503) && !conditions.contains(httpStatus: 502))
    }
}
