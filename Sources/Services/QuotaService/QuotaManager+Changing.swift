internal import LimitRules
internal import Messages
internal import Quotas
internal import RateLimit
internal import Reactor
internal import Time

/// Who asks.
struct QuotaCaller {
    /// Of a Unix socket's peer; `nil` where it came another way, by which nothing is changed.
    var userID: UInt32?
}

extension QuotaManager {
    /// What a change is about, and how it is told.
    private struct Subject {
        var action: String
        var tenant: String
        var issuer: String
        var limit = ""
        var reason: String
        var by: String
    }

    private func subject(
        _ action: String, _ caller: QuotaCaller, _ request: some TenantChange
    ) throws(QuotaFailure) -> Subject {
        guard let userID = caller.userID else {
            throw .notAllowed("changes are taken over a Unix socket only: expected admin: unix:PATH in the configuration")
        }
        try checkTenant(request.tenant)
        try checkIssuer(request.issuer)
        guard request.reason.utf8.count <= TenantAct.reasonBytesMax else {
            throw .invalid("reason: found \(request.reason.utf8.count) bytes, expected at most \(TenantAct.reasonBytesMax)")
        }
        return Subject(
            action: action, tenant: request.tenant, issuer: request.issuer, reason: request.reason, by: "uid \(userID)")
    }

    private func act(
        _ kind: TenantAct.Kind, _ subject: Subject, count: UInt64 = 0, burst: UInt64 = 0, until: Int64, id: String = "",
        keys: [String: String] = [:]
    ) throws(QuotaFailure) -> TenantAct {
        var act = TenantAct(
            kind, tenant: subject.tenant, issuer: subject.issuer, limit: subject.limit, count: count, burst: burst,
            since: loop.wall.seconds, until: until, by: subject.by, reason: subject.reason, id: id)
        act.keys = keys
        guard act.field.utf8.count + act.text.utf8.count <= TenantAct.bytesMax else {
            throw .invalid("the names of tenant, issuer and limit are too long together")
        }
        return act
    }

    private func end(after seconds: UInt32) -> Int64 { loop.wall.seconds + Int64(seconds) }

    // MARK: Changes

    func block(
        _ request: Martlet_Quota_V1_BlockRequest, _ caller: QuotaCaller, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        do throws(QuotaFailure) {
            let subject = try subject("block", caller, request)
            let until = request.lastingSeconds == 0 ? 0 : end(after: request.lastingSeconds)
            put(try act(.block, subject, until: until), subject, answer)
        } catch { answer(.failure(error)) }
    }

    func unblock(
        _ request: Martlet_Quota_V1_UnblockRequest, _ caller: QuotaCaller, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        do throws(QuotaFailure) {
            let subject = try subject("unblock", caller, request)
            let field = TenantAct(.block, tenant: request.tenant, issuer: request.issuer, since: 0).field
            // Without an issuer those of any.
            let fields = request.issuer.isEmpty ? [String(field.dropLast(2))] : [field]
            remove(fields, subject, orElse: "tenant: \(Self.quoted(request.tenant)) is not blocked", answer)
        } catch { answer(.failure(error)) }
    }

    func grant(
        _ request: Martlet_Quota_V1_GrantRequest, _ caller: QuotaCaller, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        do throws(QuotaFailure) {
            var subject = try subject("grant", caller, request)
            let limit = try countedLimit(request.limit)
            subject.limit = limit.fullName
            guard request.count > 0 else { throw .invalid("count: found 0, expected how many hits more are let through") }
            guard request.count <= TenantAct.countMax, limit.adjusted(count: nil, burst: nil, granted: request.count) != nil else {
                throw .invalid("count: found \(request.count), more than \(limit.fullName) can count with its own")
            }
            let until: Int64
            if request.lastingSeconds > 0 {
                until = end(after: request.lastingSeconds)
            } else if let end = limit.windowEnd(at: loop.wall) {
                until = end
            } else {
                throw .invalid("lasting_seconds: expected how long the grant lasts, because a token bucket has no windows")
            }
            put(try act(.grant, subject, count: request.count, until: until, id: String(random(), radix: 16)), subject, answer)
        } catch { answer(.failure(error)) }
    }

    func override(
        _ request: Martlet_Quota_V1_OverrideRequest, _ caller: QuotaCaller, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        do throws(QuotaFailure) {
            var subject = try subject("override", caller, request)
            let limit = try countedLimit(request.limit)
            subject.limit = limit.fullName
            guard request.lastingSeconds > 0 else { throw .invalid("lasting_seconds: expected how long the override lasts") }
            guard limit.algorithm == .rate || request.burst == 0 else {
                throw .invalid("burst: found \(request.burst), expected none: only a token bucket has one")
            }
            let burst = request.burst == 0 ? nil : request.burst
            guard request.count > 0, limit.adjusted(count: request.count, burst: burst, granted: 0) != nil else {
                throw .invalid(
                    "count: found \(request.count)\(burst.map { " with burst \($0)" } ?? ""), which \(limit.fullName) cannot have "
                        + "in its window")
            }
            put(
                try act(
                    .override, subject, count: request.count, burst: request.burst, until: end(after: request.lastingSeconds)),
                subject, answer)
        } catch { answer(.failure(error)) }
    }

    func restore(
        _ request: Martlet_Quota_V1_RestoreRequest, _ caller: QuotaCaller, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        do throws(QuotaFailure) {
            var subject = try subject("restore", caller, request)
            let limit = try limit(request.limit)
            subject.limit = limit.fullName
            let fields = [TenantAct.Kind.override, .grant].map { kind in
                TenantAct(kind, tenant: request.tenant, issuer: request.issuer, limit: limit.fullName, since: 0).field
            }
            remove(
                fields, subject, orElse: "\(limit.fullName) has neither override nor grant for \(Self.quoted(request.tenant))",
                answer)
        } catch { answer(.failure(error)) }
    }

    /// Counters are deleted before gateways forget what they remember of them: what they remember says more, and would be kept.
    func reset(
        _ request: Martlet_Quota_V1_ResetRequest, _ caller: QuotaCaller, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        do throws(QuotaFailure) {
            var subject = try subject("reset", caller, request)
            let limit = try countedLimit(request.limit)
            subject.limit = limit.fullName
            guard request.keys.count <= TenantAct.keysMax else {
                throw .invalid("keys: found \(request.keys.count), expected at most \(TenantAct.keysMax)")
            }
            let names = issuers(request.issuer).compactMap { name(limit, tenant: request.tenant, issuer: $0, request.keys) }
            guard !names.isEmpty else {
                throw .invalid("keys: expected a value for each of \(limit.rule.keys.map(\.description).joined(separator: ", "))")
            }
            let act = try act(
                .reset, subject, until: end(after: Self.resetSeconds), id: String(random(), radix: 16), keys: request.keys)
            guard let sender else { return put(act, subject, answer) }
            CounterEraser.erase(names, in: sender, prefix: view.domain) { [unowned self] isDone in
                guard isDone else { return answer(.failure(.unavailable("the counter could not be deleted"))) }
                put(act, subject, answer)
            }
        } catch { answer(.failure(error)) }
    }

    /// So long gateways are told of a reset.
    private static let resetSeconds: UInt32 = 60

    private func countedLimit(_ named: String) throws(QuotaFailure) -> Limit {
        guard !view.isCountedByService else {
            throw .unsupported("the limits are counted by a rate-limit service: only blocks are this gateway's")
        }
        return try limit(named)
    }

    // MARK: In the store, in the audit log, and to the caller

    private func put(_ act: TenantAct, _ subject: Subject, _ answer: @escaping Answer<Martlet_Quota_V1_Change>) {
        keeper.change(.put(act)) { [unowned self] result in
            conclude(result, subject, act, answer)
        }
    }

    private func remove(
        _ fields: [String], _ subject: Subject, orElse nothing: String, _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        keeper.change(.remove(fields)) { [unowned self] result in
            if case .success(let outcome) = result, outcome.former.isEmpty { return answer(.failure(.notFound(nothing))) }
            conclude(result, subject, nil, answer)
        }
    }

    private func conclude(
        _ result: Result<ActKeeper.Outcome, QuotaFailure>, _ subject: Subject, _ act: TenantAct?,
        _ answer: @escaping Answer<Martlet_Quota_V1_Change>
    ) {
        switch result {
        case .failure(let failure): answer(.failure(failure))
        case .success(let outcome):
            changeCount += 1
            let isWritten = audit.record(
                AuditLog.Entry(
                    time: TimeWords.text(loop.wall.seconds), action: subject.action, by: subject.by, tenant: subject.tenant,
                    issuer: subject.issuer, limit: subject.limit, reason: subject.reason, act: act, former: outcome.former,
                    version: outcome.version, scope: scope))
            guard isWritten else { return answer(.failure(.unavailable("the change holds, but the audit log cannot be written"))) }
            var change = Martlet_Quota_V1_Change()
            if let act { change.act = Martlet_Quota_V1_Act(act) }
            change.former = outcome.former.map(Martlet_Quota_V1_Act.init)
            change.version = outcome.version
            change.scope = scope
            answer(.success(change))
        }
    }
}
