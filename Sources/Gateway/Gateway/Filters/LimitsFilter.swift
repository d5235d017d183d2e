internal import Bytes
internal import Net
internal import Reactor
internal import GRPC
internal import HTTPModel
internal import JOSE
internal import RateLimit
internal import Routing
internal import Snapshots
internal import Time
internal import Transport

/// Rate limits, in two stages: those applied before authentication, and those whose keys may need an identity. One per worker.
final class LimitsFilter {
    /// Of the snapshot in service.
    var limiter: Limiter {
        didSet { limiter.filter = self }
    }

    private let services: FilterServices

    init(_ limiter: Limiter, _ services: FilterServices) {
        self.limiter = limiter
        self.services = services
        limiter.filter = self
    }

    /// Limits applied before authentication.
    func requestEarly(_ call: CallView) -> FilterVerdict { call.policy { decide(call, $0.limitsBefore, []) } }

    /// The route's limits and those of the caller's plan, all in one decision: all are charged or none.
    func request(_ call: CallView) -> FilterVerdict {
        call.policy { policy in
            guard let plan = call.identity?.plan else { return decide(call, policy.limits, []) }
            return call.snapshot { decide(call, policy.limits, $0.plans[plan].limits) }
        }
    }

    private func decide(_ call: CallView, _ first: [AppliedLimit], _ second: [AppliedLimit]) -> FilterVerdict {
        guard !first.isEmpty || !second.isEmpty else { return .proceed }
        let limiter = limiter
        let request = limiter.makeRequest()
        let none = BorrowedBytes.none
        if let identity = call.identity {
            identity.issuer.withUnsafeBytes { request.reset(issuer: $0) }
        } else {
            request.reset(issuer: none)
        }
        for limit in first { add(limit, to: request, call) }
        for limit in second { add(limit, to: request, call) }
        switch limiter.store.decide(request, now: call.now, wall: call.wall) {
        case .decided:
            defer { limiter.recycle(request) }
            return conclude(call, request)
        case .pending:
            call.suspend(on: request)
            return .suspended
        }
    }

    /// The store has answered for a suspended call.
    func decided(_ request: LimitRequest, context: UnsafeMutableRawPointer) {
        let token = SuspensionToken(context: context, tag: request.tag)
        // Also of a call that has been answered meanwhile, and whose stream is open still: the request is another call's from now on.
        token.clear(Borrowed(request))
        services.host.resume(token) { conclude($0, request) }
    }

    /// The call is over, and its answer of no use any more.
    func end(_ call: CallView) { call.abandonLimitRequest() }

    private func conclude(_ call: CallView, _ request: LimitRequest) -> FilterVerdict {
        let outcome = request.outcome
        if outcome.shadowRefusals != 0 { recordShadows(call, request) }
        if outcome.source == .fallback || outcome.source == .none {
            call.record(outcome.source == .none ? .limitsUncounted : .limitsLocal)
        }
        switch outcome.decision {
        case .allowed:
            switch outcome.source {
            case .memory, .redis, .service: call.count(.limitAllowed)
            case .fallback: call.count(.limitLocallyAllowed)
            case .none: call.count(.limitSkipped)
            }
            return .proceed
        case .unavailable:
            call.count(.limitUnavailable)
            return call.refuse(.limitStoreUnavailable(retryAfter: .seconds(1)))
        case .refused:
            call.count(outcome.source == .fallback ? .limitLocallyRefused : .limitRefused)
            let exposes = call.policy.exposesRules
            return call.refuse(
                .rateLimited(
                    retryAfter: outcome.retryAfterNanoseconds == LimitVerdict.never
                        ? nil : .nanoseconds(Int64(clamping: outcome.retryAfterNanoseconds)),
                    limits: Self.states(request, exposes: exposes)),
                by: outcome.refusedIndex >= 0 ? .limit(request.limit(at: outcome.refusedIndex).name) : nil)
        }
    }

    /// Kept for the access log: what a limit in shadow mode would have done to this call.
    private func recordShadows(_ call: CallView, _ request: LimitRequest) {
        call.count(.limitShadowed)
        let refusals = request.outcome.shadowRefusals
        for index in 0..<request.count where refusals & 1 << UInt16(index) != 0 {
            call.recordShadow(request.limit(at: index).name)
        }
    }

    private static func states(_ request: LimitRequest, exposes: Bool) -> [LimitState] {
        (0..<request.count).compactMap { index in
            let limit = request.limit(at: index)
            guard !limit.isShadow else { return nil }
            let verdict = request.verdict(at: index)
            return LimitState(
                name: limit.name, exposesName: exposes, count: verdict.limit, windowSeconds: limit.windowSeconds,
                remaining: verdict.remaining, resetSeconds: verdict.resetAfterSeconds,
                isExceeded: !verdict.isAllowed)
        }
    }

    /// Puts a limit and the values of its keys into the request. A value that a call does not have counts as an empty one:
    /// such calls share a counter, and none goes uncounted.
    private func add(_ applied: AppliedLimit, to request: LimitRequest, _ call: CallView) {
        request.begin(applied.limit)
        let none = BorrowedBytes.none
        for key in applied.keys {
            switch key {
            case .tenant:
                guard let tenant = call.identity?.tenant else { request.add(key: none); continue }
                tenant.withUnsafeBytes { request.add(key: $0) }
            case .address:
                addressText(call) { request.add(key: $0) }
            case .method:
                request.add(key: call.methodPath)
            case .constant(let text):
                text.withUnsafeBytes { request.add(key: $0) }
            case .header(let name):
                request.add(key: call.field(name) ?? none)
            case .claim(let path):
                guard let path, let claim = call.identity?.token.claim(path),
                    claim.withScalar({ request.add(key: $0) }) != nil
                else { request.add(key: none); continue }
            }
        }
    }

    /// The part of the client's address that counts, as text; `unix:` for a peer on a Unix socket.
    private func addressText(
        _ call: CallView, _ body: (BorrowedBytes) -> Void
    ) {
        guard let address = call.address else { return call.connection { body($0.peerText) } }
        call.snapshot.addressPrefix.withText(address, body)
    }
}
