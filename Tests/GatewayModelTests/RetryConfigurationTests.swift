import Balancing
import Config
import GRPC
import GatewayModelTesting
import HTTPModel
import Testing

@testable import GatewayModel

@Suite("How retries and hedging are written")
struct RetryConfigurationTests {
    private func route(_ text: String) throws -> RouteConfiguration {
        let (value, report) = readConfiguration("routes: [{ service: a.B, cluster: orders, \(text) }]")
        // What a retry does not cover is a warning of its own.
        #expect(report.split(separator: "\n").allSatisfy { $0.contains(": warning: found a retry of ") })
        return try #require(value?.routes.first)
    }

    private func conditions(_ fill: (inout RetryConditions) -> Void) -> RetryConditions {
        var conditions = RetryConditions()
        fill(&conditions)
        return conditions
    }

    @Test("the usual retry is on what any method survives")
    func usual() throws {
        let usual = RetryPolicy(
            conditions: conditions {
                $0.insert(.unavailable)
                $0.insert([.connectFailure, .refusedStream])
            }, attempts: 2, backoff: Backoff(base: .milliseconds(25), max: .milliseconds(250)))
        #expect(try route("retry: {}").attempts.policy() == .retry(usual))
        let tried = try #require(try route("retry: { per_try_timeout: 1s }").attempts.retry?.policy)
        #expect(tried.perTryTimeout == .seconds(1) && tried.conditions.contains(.perTryTimeout))
        #expect(try route("expose: true").attempts.policy() == nil)
    }

    @Test("every word of a retry")
    func everything() throws {
        let read = try route(
            """
            retry: { on: [resource_exhausted, 502, reset, per_try_timeout], attempts: 10, backoff: { base: 1s, max: 5s }, \
            per_try_timeout: 3s }
            """)
        let expected = RetryPolicy(
            conditions: conditions {
                $0.insert(.resourceExhausted)
                $0.insert(httpStatus: 502)
                $0.insert([.reset, .perTryTimeout])
            }, attempts: 10, backoff: Backoff(base: .seconds(1), max: .seconds(5)), perTryTimeout: .seconds(3))
        #expect(read.attempts.policy() == .retry(expected))
        let all = try #require(try route("retry: { on: [5xx] }").attempts.retry?.policy)
        #expect(all.conditions.httpStatuses == Set(500...599))
    }

    @Test("a base above the usual largest delay lifts that")
    func backoff() throws {
        #expect(
            try route("retry: { backoff: { base: 1s } }").attempts.retry?.policy?.backoff
                == Backoff(base: .seconds(1), max: .seconds(1)))
    }

    @Test("what a method says counts before what its route says, and off is nothing")
    func methods() throws {
        let read = try route(
            """
            retry: { attempts: 3 }, methods: { A: {}, B: { retry: off }, C: { retry: { attempts: 4 } }, \
            D: { idempotent: true, hedging: { attempts: 5, delay: 0s, non_fatal: [internal] } }, E: { idempotent: true, hedging: {} } }
            """)
        func attempts(_ index: Int) -> Int? {
            guard case .retry(let policy) = read.attempts.policy(for: read.methods[index].attempts) else { return nil }
            return policy.attempts
        }
        #expect(attempts(0) == 3 && attempts(1) == nil && attempts(2) == 4)
        #expect(
            read.attempts.policy(for: read.methods[3].attempts)
                == .hedging(HedgingPolicy(attempts: 5, delay: .zero, nonFatal: conditions { $0.insert(.internal) })))
        #expect(
            read.attempts.policy(for: read.methods[4].attempts)
                == .hedging(HedgingPolicy(attempts: 2, delay: .milliseconds(100), nonFatal: conditions { $0.insert(.unavailable) }))
        )
    }

    @Test("budgets are a fifth of what runs and three at least, and a limit on retries none")
    func budgets() throws {
        let (value, report) = readConfiguration(
            """
            clusters:
              orders: { endpoints: [10.0.0.1:80], circuit_breaker: {} }
              other: { endpoints: [10.0.0.1:80], retry_budget: { percent: 50%, minimum: 0 }, hedge_budget: { minimum: 9 } }
            routes: [{ path: /a, cluster: orders }, { cluster: other }]
            """)
        #expect(report == "")
        let clusters = try #require(value?.clusters)
        #expect(clusters[0].retryBudget == RetryBudget(percent: 20, countMin: 3) && clusters[0].guards.limits?.retries == nil)
        #expect(clusters[1].retryBudget == RetryBudget(percent: 50, countMin: 0))
        #expect(clusters[1].hedgeBudget == RetryBudget(percent: 20, countMin: 9))
    }

    @Test("how long a call may go on is said of routes and methods")
    func duration() throws {
        let read = try route("max_stream_duration: 1h, methods: { A: { max_stream_duration: 5m } }")
        #expect(read.attempts.maxStreamDuration == .seconds(3600) && read.methods[0].attempts.maxStreamDuration == .seconds(300))
    }

    @Test(
        "a retry that does less than it seems to is warned of, and no other",
        arguments: [
            ("retry: {}", "routes[0].retry"),
            ("retry: { on: [reset] }", "routes[0].retry"),
            ("retry: { on: [connect_failure, 503] }", "routes[0].retry"),
            ("retry: { on: [connect_failure, per_try_timeout], per_try_timeout: 1s }", "routes[0].retry"),
            ("methods: { Get: { retry: {} } }", "routes[0].methods.Get.retry"),
            ("methods: { Get: { retry: {}, idempotent: false } }", "routes[0].methods.Get.retry"),
            ("methods: { Get: { retry: {}, idempotent: true } }", ""),
            ("idempotent: true, retry: {}", ""), ("idempotent: true, methods: { Get: { retry: {} } }", ""),
            ("idempotent: true, methods: { Get: { retry: {}, idempotent: false } }", "routes[0].methods.Get.retry"),
            ("retry: off", ""), ("retry: { on: [connect_failure, refused_stream] }", ""), ("timeout: 1s", ""),
        ])
    func repetition(text: String, place: String) {
        let (_, report) = readConfiguration("routes: [{ service: a.B, cluster: orders, \(text) }]")
        #expect(
            report.isEmpty == place.isEmpty && (place.isEmpty || report.contains(" \(place): warning: found a retry of "))
        )
    }

    @Test("what may be executed twice is said, and warned of where it is everything")
    func idempotency() throws {
        let read = try route(
            "idempotent: true, retry: { on: [reset], http_methods: [GET, PUT] }, methods: { A: { idempotent: false } }")
        let (policy, method) = (read.attempts.policy(), read.attempts.policy(for: read.methods[0].attempts))
        guard case .retry(let own)? = policy, case .retry(let other)? = method else {
            Issue.record("no retry")
            return
        }
        #expect(own.isIdempotent && own.httpMethods == [.get, .put] && !own.repeatsAnything && !other.isIdempotent)
        let (_, report) = readConfiguration(
            "routes: [{ path: /a, cluster: orders, retry: { non_idempotent: true, http_methods: [POST] } }]")
        #expect(report.contains("routes[0].retry: warning: found non_idempotent: true: a call that failed after"))
        let (_, safe) = readConfiguration("routes: [{ path: /a, cluster: orders, retry: { on: [503] } }]")
        #expect(safe.isEmpty, "plain HTTP is told by its method")
    }

    @Test(
        "a method that may not be executed twice is no method to retry",
        arguments: [
            ("[POST]", "found POST, expected one of GET, HEAD, OPTIONS, TRACE, PUT and DELETE, or non_idempotent: true beside it"),
            ("[GET, PATCH]", "found PATCH, expected one of"), ("[get]", "expected one of GET, HEAD"), ("[GTE]", "did you mean"),
            ("[]", "expected"),
        ])
    func methods(text: String, message: String) {
        let (_, report) = readConfiguration("routes: [{ path: /a, cluster: orders, retry: { http_methods: \(text) } }]")
        #expect(report.contains(message), "\(report)")
    }
}
