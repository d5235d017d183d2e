internal import LimitRules
internal import Messages
internal import Quotas
internal import RateLimit
internal import Reactor
internal import SwiftProtobuf
internal import Time

extension QuotaManager {
    typealias Answer<Reply> = (Result<Reply, QuotaFailure>) -> Void

    /// Counters that one request reads, at most.
    static let countersMax = 256

    /// What a tenant has used, and what holds for it.
    func show(_ request: Martlet_Quota_V1_ShowRequest, _ answer: @escaping Answer<Martlet_Quota_V1_ShowReply>) {
        do throws(QuotaFailure) {
            try checkTenant(request.tenant)
            try checkIssuer(request.issuer)
            let limits = request.limit.isEmpty ? view.limits : [try limit(request.limit)]
            let issuers = issuers(request.issuer)
            guard limits.count * issuers.count <= Self.countersMax else {
                throw .invalid(
                    "limit: \(limits.count) limits of \(issuers.count) issuers are more than the \(Self.countersMax) read at once: "
                        + "expected a limit or an issuer")
            }
            guard !view.isCountedByService else {
                throw .unsupported("the limits are counted by a rate-limit service, which does not tell what it has counted")
            }
            gather(limits.flatMap { limit in issuers.map { (limit, $0) } }, request, answer)
        } catch { answer(.failure(error)) }
    }

    private func gather(
        _ counters: [(limit: Limit, issuer: String)], _ request: Martlet_Quota_V1_ShowRequest,
        _ answer: @escaping Answer<Martlet_Quota_V1_ShowReply>
    ) {
        let table = table
        let gathering = Gathering(counters.count) { [unowned self] usage in
            guard let usage else { return answer(.failure(.unavailable("it does not answer"))) }
            var reply = Martlet_Quota_V1_ShowReply()
            reply.usage = usage
            reply.acts = acts(of: request.tenant).map(Martlet_Quota_V1_Act.init)
            reply.scope = scope
            answer(.success(reply))
        }
        for (place, counter) in counters.enumerated() {
            let limit = inForce(counter.limit, tenant: request.tenant, issuer: counter.issuer, table)
            var usage = Martlet_Quota_V1_Usage(limit, configured: counter.limit, issuer: counter.issuer)
            guard let name = name(limit.meter, tenant: request.tenant, issuer: counter.issuer, request.keys) else {
                usage.missingKeys = limit.rule.keys.filter { key in
                    if case .constant = key { return false }
                    return key != .tenant && request.keys[key.description] == nil
                }.map(\.description)
                gathering.set(usage, at: place)
                continue
            }
            guard let reader else {
                gathering.set(nil, at: place)
                continue
            }
            reader.read(name) { verdict in
                guard let verdict else { return gathering.set(nil, at: place) }
                let used = name.limit.used(verdict)
                usage.used = limit.told(used)
                usage.remaining = limit.told(
                    limit.algorithm == .rate ? verdict.remaining : limit.capacity > used ? limit.capacity - used : 0)
                usage.resetSeconds = UInt32(clamping: verdict.resetAfterSeconds)
                gathering.set(usage, at: place)
            }
        }
        gathering.finish()
    }

    func acts(of tenant: String) -> [TenantAct] {
        keeper.list.holding(at: loop.wall.seconds).filter { $0.tenant == tenant && $0.kind != .reset }
    }

    /// Answers of several counters, in their order.
    private final class Gathering {
        private var usage: [Martlet_Quota_V1_Usage?]
        private var outstanding: Int
        private var hasFailed = false
        private let completion: ([Martlet_Quota_V1_Usage]?) -> Void

        init(_ count: Int, completion: @escaping ([Martlet_Quota_V1_Usage]?) -> Void) {
            usage = Array(repeating: nil, count: count)
            outstanding = count + 1
            self.completion = completion
        }

        func set(_ found: Martlet_Quota_V1_Usage?, at place: Int) {
            usage[place] = found
            if found == nil { hasFailed = true }
            finish()
        }

        /// One has been dealt with, or all have been asked for.
        func finish() {
            outstanding -= 1
            if outstanding == 0 { completion(hasFailed ? nil : usage.compactMap(\.self)) }
        }
    }
}

extension Martlet_Quota_V1_Usage {
    fileprivate init(_ limit: Limit, configured: Limit, issuer: String) {
        self.init()
        self.limit = limit.fullName
        self.issuer = issuer
        algorithm = limit.rule.effectiveAlgorithm.rawValue
        window = "\(limit.rule.window.units)\(limit.rule.window.unit.rawValue)"
        count = limit.told(limit.capacity)
        self.configured = configured.told(configured.capacity)
        isShadow = limit.isShadow
    }
}

extension Martlet_Quota_V1_Act {
    init(_ act: TenantAct) {
        self.init()
        kind = act.kind.rawValue
        tenant = act.tenant
        issuer = act.issuer
        limit = act.limit
        count = act.count
        burst = act.burst
        since = Google_Protobuf_Timestamp(seconds: act.since)
        if act.until > 0 { until = Google_Protobuf_Timestamp(seconds: act.until) }
        by = act.by
        reason = act.reason
    }
}
