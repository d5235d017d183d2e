package import GRPC
package import HTTPModel
internal import Time

/// What of an attempt makes another worth while.
package struct RetryConditions: Sendable, Equatable {
    /// One bit a gRPC status.
    private var statuses: UInt32 = 0
    /// HTTP statuses, one by one.
    package private(set) var httpStatuses: Set<Int> = []
    package private(set) var causes: Causes = []

    package struct Causes: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// No connection could be made.
        package static let connectFailure = Causes(rawValue: 1)
        /// RST_STREAM, or the connection was lost, before the answer.
        package static let reset = Causes(rawValue: 2)
        /// REFUSED_STREAM, or above GOAWAY's last stream, more often than goes without a policy.
        package static let refusedStream = Causes(rawValue: 4)
        package static let perTryTimeout = Causes(rawValue: 8)
    }

    package init() {}

    package mutating func insert(_ status: StatusCode) { statuses |= 1 << UInt32(status.rawValue) }
    package mutating func insert(httpStatus: Int) { httpStatuses.insert(httpStatus) }
    package mutating func insert(_ cause: Causes) { causes.formUnion(cause) }

    package func contains(_ status: StatusCode) -> Bool { statuses & (1 << UInt32(status.rawValue)) != 0 }
    package func contains(_ cause: Causes) -> Bool { causes.contains(cause) }
    package func contains(httpStatus: Int) -> Bool { httpStatuses.contains(httpStatus) }

    /// Nothing is sent again that an upstream may have carried out.
    package var areSafeForAnyMethod: Bool {
        statuses == 0 && httpStatuses.isEmpty && causes.isSubset(of: [.connectFailure, .refusedStream])
    }

    /// Some gRPC status is among them: then a call's trailers are worth waiting for.
    package var hasStatuses: Bool { statuses != 0 }
}

/// How long to wait before each retry: full jitter below a bound that doubles.
package struct Backoff: Sendable, Equatable {
    package var base: Duration
    package var max: Duration

    package static let defaults = Backoff(base: .milliseconds(25), max: .milliseconds(250))

    package init(base: Duration, max: Duration) {
        self.base = base
        self.max = max
    }

    /// - Parameters:
    ///   - step: 1 for the first retry.
    ///   - random: any number.
    package func delay(step: Int, random: UInt64) -> Duration {
        let doubled = base.nanoseconds.multipliedReportingOverflow(by: 1 << min(Swift.max(step - 1, 0), 30))
        let bound = doubled.overflow ? max.nanoseconds : min(doubled.partialValue, max.nanoseconds)
        return .nanoseconds(Int64(random.multipliedFullWidth(by: UInt64(bound) + 1).high))
    }
}

/// When a call is tried again, how often, and after how long.
package struct RetryPolicy: Sendable, Equatable {
    package var conditions: RetryConditions
    /// Tries in all, the first among them.
    package var attempts: Int
    package var backoff: Backoff
    /// `nil` for none but the call's own.
    package var perTryTimeout: Duration?
    /// Methods of plain HTTP that are retried; `nil` for all that are idempotent.
    package var httpMethods: [HTTPMethod]?
    /// Also what an upstream may have executed is sent again, whatever the method.
    package var repeatsAnything = false
    /// The route or method is declared idempotent.
    package internal(set) var isIdempotent = false

    package init(conditions: RetryConditions, attempts: Int, backoff: Backoff = .defaults, perTryTimeout: Duration? = nil) {
        self.conditions = conditions
        self.attempts = attempts
        self.backoff = backoff
        self.perTryTimeout = perTryTimeout
    }
}

/// When a call is made several times at once (gRFC A6), for methods that are the same done twice.
package struct HedgingPolicy: Sendable, Equatable {
    /// In all, the first among them.
    package var attempts: Int
    /// Between one and the next; zero for all at once.
    package var delay: Duration
    /// Statuses that do not end the others.
    package var nonFatal: RetryConditions

    package init(attempts: Int, delay: Duration, nonFatal: RetryConditions) {
        self.attempts = attempts
        self.delay = delay
        self.nonFatal = nonFatal
    }
}

/// What a call's attempts are subject to: one of the two.
package enum AttemptPolicy: Sendable, Equatable {
    case retry(RetryPolicy)
    case hedging(HedgingPolicy)

    package var isHedging: Bool {
        if case .hedging = self { true } else { false }
    }

    /// What stands in trailers may be worth another attempt.
    package var holdsHeads: Bool {
        switch self {
        case .retry(let policy): policy.conditions.hasStatuses
        case .hedging: true
        }
    }

    /// 0 for no time of its own.
    package var tryNanoseconds: UInt64 {
        guard case .retry(let policy) = self, let timeout = policy.perTryTimeout else { return 0 }
        return UInt64(timeout.nanoseconds)
    }
}
