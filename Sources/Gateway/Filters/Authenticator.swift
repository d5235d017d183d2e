internal import Reactor
internal import Transport
internal import GRPC
internal import HTTPModel
internal import JOSE
internal import RateLimit
internal import Time

/// Finds out who calls. One per worker: its cache of verified tokens, and the keys of the moment.
///
/// A call without a bearer token passes as a stranger's, for the rules to judge; one with a bad token is refused whatever
/// the rules say, because its caller believes to be somebody.
package final class Authenticator {
    private var cache: TokenCache?
    private var plan: AuthenticationPlan?
    private var issuers: [TrustedIssuer] = []
    private var planNames: [String: Int] = [:]
    /// Keys that were fetched, by where from. They outlive snapshots.
    private var fetched: [KeySetSource: KeySet] = [:]
    /// Another one whenever keys or configuration change: what the cache learnt before is forgotten.
    private var generation: UInt64 = 0
    private let failures = MemoryStore()
    private let failureRequest = LimitRequest(keepsValues: false)

    func adopt(_ snapshot: Snapshot) {
        plan = snapshot.authentication
        planNames = [:]
        for (index, plan) in snapshot.plans.enumerated() { planNames[plan.name] = index }
        let entries = snapshot.authentication?.tokenCacheEntries ?? 0
        cache = entries > 0 ? TokenCache(limits: .init(entriesMax: entries, bytesMax: entries * 4096)) : nil
        refresh()
    }

    /// Takes fetched keys into service.
    func setKeys(_ keys: KeySet, from source: KeySetSource) {
        fetched[source] = keys
        refresh()
    }

    private func refresh() {
        generation += 1
        issuers = (plan?.issuers ?? []).map { issuer in
            TrustedIssuer(issuer.policy, keys: issuer.keys ?? issuer.source.flatMap { fetched[$0] })
        }
    }

    func check(_ exchange: ExchangePointer, worker: GatewayWorker) -> FilterVerdict {
        guard let plan, let stream = exchange.pointee.downstream,
            let field = stream.pointee.fields.first(.authorization), let token = Self.bearer(field.valueBytes)
        else { return .proceed }
        if hasAnother(stream) { return refuse(exchange, .notCompact, plan, worker) }
        let now = worker.context.loop.wall
        if let known = cache?.find(token, generation: generation, nowSeconds: now.seconds) {
            exchange.pointee.identity = unsafeDowncast(known.takeUnretainedValue(), to: Caller.self)
            return .proceed
        }
        if let wait = failureWait(exchange, plan, worker, hits: 0) {
            worker.metrics.count(.failedLoginRefused)
            worker.refuse(exchange, .failedLogins(retryAfter: wait))
            return .replied
        }
        do throws(TokenFailure) {
            let verified = try TokenVerifier.verify(token, trusting: issuers, at: now)
            let identity = Caller(verified, plan, planNames: planNames)
            cache?.insert(
                token, value: identity, valueBytes: identity.approximateBytes, generation: generation,
                validUntilSeconds: verified.validUntilSeconds)
            exchange.pointee.identity = identity
            worker.metrics.count(.tokenVerified)
            return .proceed
        } catch {
            if error == .unknownKey, let hear = worker.unknownKeySeen,
                let index = TokenVerifier.issuerIndex(of: token, among: issuers), let source = plan.issuers[index].source
            {
                hear(source)
            }
            return refuse(exchange, error, plan, worker)
        }
    }

    /// Which of two tokens is meant would be a guess, and the upstream might guess otherwise.
    private func hasAnother(_ stream: StreamPointer) -> Bool {
        let fields = stream.pointee.fields
        var count = 0
        for index in 0..<fields.count where fields.fields[index].token == .authorization { count += 1 }
        return count > 1
    }

    private func refuse(
        _ exchange: ExchangePointer, _ failure: TokenFailure, _ plan: AuthenticationPlan, _ worker: GatewayWorker
    ) -> FilterVerdict {
        worker.metrics.count(.tokenRefused)
        if failure == .keySetUnavailable {
            worker.refuse(exchange, .keySetUnavailable(retryAfter: .seconds(1)))
            return .replied
        }
        if failure.isFormatOrSignature { _ = failureWait(exchange, plan, worker, hits: 1) }
        worker.refuse(exchange, .unauthenticated(TokenFault(failure)))
        return .replied
    }

    /// Charges failed verifications of the caller's address, none or one; how long to wait where there were too many.
    private func failureWait(
        _ exchange: ExchangePointer, _ plan: AuthenticationPlan, _ worker: GatewayWorker, hits: UInt64
    ) -> Duration? {
        guard let limit = plan.failedLogins, let address = exchange.pointee.origin?.address else { return nil }
        failureRequest.reset()
        // No hits is a question: refused where not even one is left.
        failureRequest.begin(limit, hits: hits)
        withUnsafeBytes(of: address.bits) { failureRequest.add(key: $0) }
        guard case .decided = failures.decide(failureRequest, now: worker.now, wall: worker.context.loop.wall) else {
            return nil
        }
        let verdict = failureRequest.verdict(at: 0)
        guard hits == 0, !verdict.isAllowed else { return nil }
        return .nanoseconds(Int64(clamping: max(verdict.retryAfterNanoseconds, 1_000_000_000)))
    }

    /// The token behind `Bearer `; `nil` for another scheme, whose credentials are not ours to judge (RFC 6750, 2.1).
    private static func bearer(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let scheme: StaticString = "bearer "
        guard value.count >= scheme.utf8CodeUnitCount else { return nil }
        for index in 0..<scheme.utf8CodeUnitCount where value[index] | 0x20 != scheme.utf8Start[index] { return nil }
        var start = scheme.utf8CodeUnitCount
        while start < value.count, value[start] == 0x20 { start += 1 }
        return UnsafeRawBufferPointer(rebasing: value[start...])
    }
}

extension TokenFault {
    init(_ failure: TokenFailure) {
        switch failure {
        case .tooLarge, .notCompact, .notBase64URL, .badHeader, .badClaims, .criticalExtension: self = .malformed
        case .unsupportedAlgorithm, .algorithmMismatch, .badSignature: self = .badSignature
        case .unknownIssuer: self = .unknownIssuer
        case .unknownKey, .keySetUnavailable: self = .unknownKey
        case .missingExpiry: self = .invalidClaims
        case .expired: self = .expired
        case .notYetValid: self = .notYetValid
        case .wrongAudience: self = .wrongAudience
        }
    }
}
