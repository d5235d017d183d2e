internal import Bytes
internal import Net
internal import Reactor
internal import GRPC
internal import HTTPModel
internal import JOSE
internal import RateLimit
internal import Routing
internal import Time
internal import Transport

extension GatewayWorker {
    /// Limits that hold before it is known who calls.
    func rateLimitUnauthenticated(_ call: Record<Call>) -> FilterVerdict {
        let policy = call.policy!
        return policy { decide(call, $0.limitsBefore, []) }
    }

    /// The route's limits and those of the caller's plan, all in one decision: all are charged or none.
    func limit(_ call: Record<Call>) -> FilterVerdict {
        let policy = call.policy!
        let snapshot = call.snapshot!
        return policy { policy in
            guard let plan = call.identity?.plan else { return decide(call, policy.limits, []) }
            return snapshot { decide(call, policy.limits, $0.snapshot.plans[plan].limits) }
        }
    }

    private func decide(_ call: Record<Call>, _ first: [AppliedLimit], _ second: [AppliedLimit]) -> FilterVerdict {
        guard !first.isEmpty || !second.isEmpty else { return .proceed }
        let limiter = limiter
        let request = limiter.take()
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        if let identity = call.identity {
            identity.issuer.withUnsafeBytes { request.reset(issuer: $0) }
        } else {
            request.reset(issuer: none)
        }
        for limit in first { add(limit, to: request, call) }
        for limit in second { add(limit, to: request, call) }
        switch limiter.store.decide(request, now: now, wall: context.loop.wall) {
        case .decided:
            defer { limiter.give(request) }
            return conclude(call, request)
        case .pending:
            request.context = call.opaque
            request.tag = UInt64(call.generation)
            call.limitRequest = Borrowed(request)
            return .suspended
        }
    }

    /// The store has answered for a suspended call.
    func resume(_ call: Record<Call>, _ request: LimitRequest) {
        call.limitRequest = nil
        if case .proceed = conclude(call, request) { runFilters(call) }
    }

    private func conclude(_ call: Record<Call>, _ request: LimitRequest) -> FilterVerdict {
        let outcome = request.outcome
        if outcome.shadowRefusals != 0 { recordShadows(call, request) }
        if outcome.source == .fallback || outcome.source == .none {
            call.flags.insert(outcome.source == .none ? .limitsUncounted : .limitsLocal)
        }
        switch outcome.decision {
        case .allowed:
            switch outcome.source {
            case .memory, .redis, .service: metrics.count(.limitAllowed)
            case .fallback: metrics.count(.limitLocallyAllowed)
            case .none: metrics.count(.limitSkipped)
            }
            return .proceed
        case .unavailable:
            metrics.count(.limitUnavailable)
            refuse(call, .limitStoreUnavailable(retryAfter: .seconds(1)))
        case .refused:
            metrics.count(outcome.source == .fallback ? .limitLocallyRefused : .limitRefused)
            let exposes = call.policy!.exposesRules
            refuse(
                call,
                .rateLimited(
                    retryAfter: outcome.retryAfterNanoseconds == LimitVerdict.never
                        ? nil : .nanoseconds(Int64(clamping: outcome.retryAfterNanoseconds)),
                    limits: Self.states(request, exposes: exposes)),
                by: outcome.refusedIndex >= 0 ? .limit(request.limit(at: outcome.refusedIndex).name) : nil)
        }
        return .replied
    }

    /// Kept for the access log: what a limit under trial would have done to this call.
    private func recordShadows(_ call: Record<Call>, _ request: LimitRequest) {
        metrics.count(.limitShadowed)
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
    private func add(_ applied: AppliedLimit, to request: LimitRequest, _ call: Record<Call>) {
        request.begin(applied.limit)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let stream = call.downstream else { return }
        for key in applied.keys {
            switch key {
            case .tenant:
                guard let tenant = call.identity?.tenant else { request.add(key: none); continue }
                tenant.withUnsafeBytes { request.add(key: $0) }
            case .address:
                addressText(call, stream) { request.add(key: $0) }
            case .method:
                request.add(key: call.facts?.path ?? none)
            case .constant(let text):
                text.withUnsafeBytes { request.add(key: $0) }
            case .header(let name):
                request.add(key: Self.header(name, of: stream) ?? none)
            case .claim(let path):
                guard let path, let claim = call.identity?.token.claim(path),
                    claim.withScalar({ request.add(key: $0) }) != nil
                else { request.add(key: none); continue }
            }
        }
    }

    /// The part of the client's address that counts, as text; `unix:` for a peer on a Unix socket.
    private func addressText(
        _ call: Record<Call>, _ stream: StreamPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        guard let address = call.origin?.address else { return stream.serverConnection { body($0.peerText) } }
        let prefix = call.snapshot!.snapshot.addressPrefix
        withUnsafeTemporaryAllocation(byteCount: AddressPrefix.textBytesMax, alignment: 1) { text in
            body(UnsafeRawBufferPointer(rebasing: text[..<prefix.write(address, to: text.baseAddress!)]))
        }
    }

    private static func header(_ name: [UInt8], of stream: StreamPointer) -> UnsafeRawBufferPointer? {
        name.withUnsafeBytes { name in
            let fields = stream.fields
            for index in 0..<fields.count where fields[index].nameBytes.equals(name) { return fields[index].valueBytes }
            return nil
        }
    }
}
