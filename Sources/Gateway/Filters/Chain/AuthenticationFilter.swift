internal import AccessControl
internal import Bytes
internal import Calls
internal import GRPC
internal import GatewayModel
internal import HTTPModel
package import JOSE
internal import Net
internal import RateLimit
internal import Reactor
internal import Routing
package import Snapshots
internal import Time
internal import Transport

/// Verifies the caller's token. One per worker, with its cache of verified tokens and the current keys.
///
/// A call without a bearer token (`Credentials`) passes as unauthenticated, for the rules to judge; one with a bad token is refused
/// whatever the rules say, unless its route ignores bad ones: then it goes on without.
package final class AuthenticationFilter {
    private var cache: TokenCache?
    private var trust: Trust?
    /// The rules that `trust` was made for: snapshots that differ only in schemas share them.
    private var rules: Borrowed<RuleBook>?
    /// Fetched keys, by their source. They outlive snapshots.
    private var fetched: [KeySetSource: KeySet] = [:]
    /// Grows whenever keys or configuration change, which invalidates what the cache holds.
    private var generation: UInt64 = 0
    /// A token was signed with an unknown key: the issuer's key set is to be fetched again.
    package var unknownKeySeen: ((KeySetSource) -> Void)?
    private let failures = MemoryStore()
    private let failureRequest = LimitRequest(keepsValues: false)

    /// The trusted issuers of one configuration, with the current keys.
    private struct Trust {
        let plan: AuthenticationPlan
        var issuers: [TrustedIssuer] = []
        /// Into the snapshot's plans.
        let planNames: [String: Int]
        /// The header that names a caller's plan; `nil` where none does.
        let planHeader: [UInt8]?

        init?(_ snapshot: Snapshot, _ fetched: [KeySetSource: KeySet]) {
            guard let plan = snapshot.authentication else { return nil }
            self.plan = plan
            planHeader =
                switch plan.plan {
                case .header(let name, _)?: Array(name.utf8)
                case .claim?, nil: nil
                }
            planNames = Dictionary(uniqueKeysWithValues: snapshot.plans.enumerated().map { ($0.element.name, $0.offset) })
            setKeys(fetched)
        }

        mutating func setKeys(_ fetched: [KeySetSource: KeySet]) {
            issuers = plan.issuers.map { issuer in
                TrustedIssuer(issuer.policy, keys: issuer.keys ?? issuer.source.flatMap { fetched[$0] })
            }
        }
    }

    package func adopt(_ snapshot: Snapshot) {
        trust = Trust(snapshot, fetched)
        rules = snapshot.rulesReference
        let entries = snapshot.authentication?.tokenCacheEntries ?? 0
        cache = entries > 0 ? TokenCache(limits: .init(entriesMax: entries, bytesMax: entries * 4096)) : nil
        generation += 1
    }

    /// Puts fetched keys into use.
    package func setKeys(_ keys: KeySet, from source: KeySetSource) {
        fetched[source] = keys
        trust?.setKeys(fetched)
        generation += 1
    }

    package func request(_ call: CallView) -> FilterVerdict {
        guard call.snapshot.rulesReference == rules else {
            // The call began before the configuration changed, and is judged by the one that it began with.
            guard let trust = call.snapshot({ Trust($0, fetched) }) else { return .proceed }
            return request(call, trust, nil)
        }
        guard let trust else { return .proceed }
        return request(call, trust, cache)
    }

    private func request(_ call: CallView, _ trust: Trust, _ cache: TokenCache?) -> FilterVerdict {
        let plan = trust.plan
        let stream = call.stream
        let token: BorrowedBytes
        switch Credentials(stream.fields, headCount: stream.trailersStart) {
        case .none, .otherScheme: return .proceed
        case .bearer(let found): token = found
        // An upstream might choose another one than we would. Verified as an empty token, which fails.
        case .ambiguous: token = BorrowedBytes.none
        }
        let now = call.wall
        if let known = cache?.find(token, generation: generation, nowSeconds: now.seconds) {
            let identity = unsafeDowncast(known, to: VerifiedIdentity.self)
            guard call.policy({ $0.takesIssuer(identity.token.issuerIndex) }) else {
                return refuse(call, .unknownIssuer, plan)
            }
            call.identity = placed(identity, call, trust)
            return .proceed
        }
        if let wait = failureWait(call, plan, hits: 0) {
            if call.policy({ $0.ignoresInvalid }) { return ignore(call) }
            call.count(.failedLoginRefused)
            return call.refuse(.failedLogins(retryAfter: wait))
        }
        do throws(TokenFailure) {
            let verified = try TokenVerifier.verify(
                token, trusting: trust.issuers, accepting: { index in call.policy { $0.takesIssuer(index) } }, at: now)
            let identity = VerifiedIdentity(verified, plan, planNames: trust.planNames)
            cache?.insert(
                token, value: identity, valueBytes: identity.approximateBytes, generation: generation,
                validUntilSeconds: verified.validUntilSeconds)
            call.identity = placed(identity, call, trust)
            call.count(.tokenVerified)
            return .proceed
        } catch {
            if error == .unknownKey, let unknownKeySeen,
                let index = TokenVerifier.issuerIndex(of: token, among: trust.issuers), let source = plan.issuers[index].source
            {
                unknownKeySeen(source)
            }
            return refuse(call, error, plan)
        }
    }

    /// On the plan that the call itself names, where it does.
    @inline(__always)
    private func placed(_ identity: VerifiedIdentity, _ call: CallView, _ trust: Trust) -> VerifiedIdentity {
        guard let header = trust.planHeader else { return identity }
        return identity.on(planNamed: call.field(header), trust.plan, planNames: trust.planNames)
    }

    private func refuse(
        _ call: CallView, _ failure: TokenFailure, _ plan: AuthenticationPlan
    ) -> FilterVerdict {
        if failure != .keySetUnavailable, call.policy({ $0.ignoresInvalid }) {
            // What was not worth a signature is no attempt to log in: pages send what they have left.
            if failure == .badSignature { _ = failureWait(call, plan, hits: 1) }
            return ignore(call)
        }
        call.count(.tokenRefused)
        if failure == .keySetUnavailable { return call.refuse(.keySetUnavailable(retryAfter: .seconds(1))) }
        if failure.isFormatOrSignature { _ = failureWait(call, plan, hits: 1) }
        return call.refuse(.unauthenticated(TokenFault(failure)))
    }

    /// The call goes on as one without credentials, also upstream.
    private func ignore(_ call: CallView) -> FilterVerdict {
        call.count(.tokenIgnored)
        call.removeCredentials()
        return .proceed
    }

    /// Charges failed verifications of the caller's address, none or one; how long to wait where there were too many.
    private func failureWait(
        _ call: CallView, _ plan: AuthenticationPlan, hits: UInt64
    ) -> Duration? {
        guard let limit = plan.failedLogins, let address = call.address else { return nil }
        failureRequest.reset()
        // With no hits nothing is charged: refused where nothing is left.
        failureRequest.begin(limit, hits: hits)
        let prefix = call.snapshot.addressPrefix
        withUnsafeBytes(of: prefix.network(of: address).bits) { failureRequest.add(key: $0) }
        guard case .decided = failures.decide(failureRequest, now: call.now, wall: call.wall) else {
            return nil
        }
        let verdict = failureRequest.verdict(at: 0)
        guard hits == 0, !verdict.isAllowed else { return nil }
        return .nanoseconds(Int64(clamping: max(verdict.retryAfterNanoseconds, 1_000_000_000)))
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
