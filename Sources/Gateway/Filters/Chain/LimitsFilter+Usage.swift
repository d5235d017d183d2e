internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import JSON
internal import RateLimit
internal import Reactor
internal import Routing
internal import Snapshots
internal import Time

/// `serve: usage`: what the caller's tenant has used of the limits of its plan, read of their counters and charged nothing.
extension LimitsFilter {
    /// Those that count by the tenant alone: what else a call would count by is not known. Limits in shadow mode are not shown.
    private static func isTold(_ applied: AppliedLimit) -> Bool {
        guard let limit = applied.limit, limit.countsUsage else { return false }
        return applied.keys.allSatisfy { key in
            switch key {
            case .tenant, .constant: true
            case .address, .method, .header, .claim, .text: false
            }
        }
    }

    func tellUsage(_ call: CallView) -> FilterVerdict {
        guard call.isHead || call.facts.method.equals("GET") else { return call.refuse(.methodNotAllowed(allow: "GET, HEAD")) }
        guard let identity = call.identity else { return call.refuse(.unauthenticated(.missing)) }
        guard identity.tenant != nil else { return call.refuse(.permissionDenied(.tenantMissing)) }
        let limiter = limiter
        let request = limiter.makeRequest()
        // Each is asked for by itself: one that is used up says nothing of the others.
        reset(request, call, charging: .always)
        request.isQuestion = true
        call.snapshot { snapshot in
            guard let plan = identity.plan else { return }
            for applied in snapshot.plans[plan].limits.lazy.filter(Self.isTold).prefix(LimitRequest.limitsMax) {
                guard let limit = applied.limit else { continue }
                begin(limit, hits: 0, request, call)
                add(applied.keys, to: request, call)
            }
        }
        guard request.count > 0 else {
            defer { limiter.recycle(request) }
            return answerUsage(call, request)
        }
        switch limiter.store.decide(request, now: call.now, wall: call.wall) {
        case .decided:
            defer { limiter.recycle(request) }
            return answerUsage(call, request)
        case .pending:
            call.suspend(on: request)
            return .suspended
        }
    }

    func answerUsage(_ call: CallView, _ request: LimitRequest) -> FilterVerdict {
        switch request.outcome.source {
        case .memory, .redis: break
        case .service, .fallback, .none:
            // What this process alone has counted is not what was used.
            if request.count > 0 { return call.refuse(.limitStoreUnavailable(retryAfter: .seconds(1))) }
        }
        var text = ByteBuffer(capacity: 512)
        write(call, request, to: &text)
        var reply = call.reply(status: 200, "usage")
        reply.put(Field("content-type", "application/json", token: .contentType))
        reply.putLength(text.count)
        reply.put(Field("cache-control", "no-store", token: .other))
        reply.putRequestID()
        reply.send(call.isHead ? BorrowedBytes.none : text.readable)
        return .replied
    }

    private func write(_ call: CallView, _ request: LimitRequest, to text: inout ByteBuffer) {
        var json = JSONWriter()
        json.beginObject(&text)
        json.key("tenant", &text)
        (call.identity?.tenant ?? []).withUnsafeBytes { json.string($0, &text) }
        json.key("plan", &text)
        (call.identity?.planName ?? []).withUnsafeBytes { json.string($0, &text) }
        json.key("limits", &text)
        json.beginArray(&text)
        for index in 0..<request.count {
            let limit = request.limit(at: index)
            let verdict = request.verdict(at: index)
            json.beginObject(&text)
            json.key("limit", &text)
            json.string(call.policy.exposesRules ? limit.name : "limit-\(index + 1)", &text)
            for (name, number) in [
                ("count", limit.capacity), ("used", limit.used(verdict)), ("remaining", verdict.remaining),
                ("reset_seconds", verdict.resetAfterSeconds), ("window_seconds", limit.windowSeconds),
            ] {
                json.key(name, &text)
                json.number(number, &text)
            }
            json.endObject(&text)
        }
        json.endArray(&text)
        json.endObject(&text)
        text.append("\n")
    }
}
