internal import Messages
package import Metrics
package import Quotas
internal import RateLimit
internal import Reactor
internal import SwiftProtobuf
internal import Time

extension QuotaManager {
    /// What a worker has gathered.
    package func add(_ entries: [UsageTable.Entry], hour: Int64) { ledger.add(entries, hour: hour) }

    /// At the end of the process: turns the loop until what was used is kept, or the time is over.
    package func settle(within limit: Duration) {
        var isOver = false
        let timer = Timer(on: loop) { isOver = true }
        timer.arm(after: limit)
        while !isOver, !ledger.isSettled {
            ledger.flush()
            // What was sent leaves at the end of a tick.
            loop.tick(wait: false)
            if !ledger.isSettled { loop.tick(wait: true) }
        }
    }

    // MARK: Which tenants there are

    private static let pageMax = 1000
    /// Fields of usage that are looked at for a list.
    private static let fieldsMax = 20_000

    func list(_ request: Martlet_Quota_V1_ListRequest, _ answer: @escaping Answer<Martlet_Quota_V1_ListReply>) {
        guard request.pageSize <= Self.pageMax else {
            return answer(.failure(.invalid("page_size: found \(request.pageSize), expected at most \(Self.pageMax)")))
        }
        let today = loop.wall.seconds / 86_400 * 86_400
        guard let sender else {
            var sums: [UsageKey: UInt64] = [:]
            for (hour, present) in ledger.sums where hour >= today { sums.merge(present) { $0 &+ $1 } }
            return answer(.success(list(request, sums, isCut: false)))
        }
        let key = UsageLedger.keys(domain: view.domain, hour: today).day
        UsageReader.all(of: key, fieldsMax: Self.fieldsMax, in: sender) { [unowned self] result in
            answer(result.map { list(request, $0.sums, isCut: $0.isCut) })
        }
    }

    private func list(_ request: Martlet_Quota_V1_ListRequest, _ sums: [UsageKey: UInt64], isCut: Bool)
        -> Martlet_Quota_V1_ListReply
    {
        var tenants: [String: Martlet_Quota_V1_Tenant] = [:]
        for (key, hits) in sums { tenants[key.tenant, default: .init()].hitsToday &+= hits }
        for act in keeper.list.holding(at: loop.wall.seconds) {
            switch act.kind {
            case .block: tenants[act.tenant, default: .init()].isBlocked = true
            case .override, .grant: tenants[act.tenant, default: .init()].adjustments += 1
            case .reset: break
            }
        }
        let names = tenants.keys.sorted().drop { $0 <= request.pageToken && !request.pageToken.isEmpty }
        let size = request.pageSize == 0 ? 100 : Int(request.pageSize)
        var reply = Martlet_Quota_V1_ListReply()
        reply.tenants = names.prefix(size).compactMap { name in
            tenants[name].map { tenant in
                var tenant = tenant
                tenant.tenant = name
                return tenant
            }
        }
        if names.count > size { reply.nextPageToken = reply.tenants.last?.tenant ?? "" }
        reply.scope = scope
        reply.isTruncated = isCut
        return reply
    }

    func top(_ request: Martlet_Quota_V1_TopRequest, _ answer: @escaping Answer<Martlet_Quota_V1_TopReply>) {
        guard request.count <= 100 else { return answer(.failure(.invalid("count: found \(request.count), expected at most 100"))) }
        func top(byRefusals: Bool) -> [Martlet_Quota_V1_TopTenant] {
            ledger.top(request.count == 0 ? 10 : Int(request.count), byRefusals: byRefusals).map { name, counter in
                var tenant = Martlet_Quota_V1_TopTenant()
                tenant.tenant = name
                tenant.hits = counter.sum
                tenant.error = counter.error
                return tenant
            }
        }
        var reply = Martlet_Quota_V1_TopReply()
        reply.byUse = top(byRefusals: false)
        reply.byRefusals = top(byRefusals: true)
        reply.scope = "this process"
        answer(.success(reply))
    }

    // MARK: Usage by period

    private static let periodsMax: Int64 = 1000

    func export(_ request: Martlet_Quota_V1_ExportRequest, _ answer: @escaping Answer<Martlet_Quota_V1_ExportReply>) {
        do throws(QuotaFailure) {
            let length: Int64
            switch request.period {
            case "", "day": length = 86_400
            case "hour": length = UsageLedger.hourSeconds
            default: throw .invalid("period: found \(Self.quoted(request.period)), expected day or hour")
            }
            let now = loop.wall.seconds
            let range = 0...TenantAct.secondMax
            let from = request.hasFrom ? request.from.seconds : now / 86_400 * 86_400
            let to = request.hasTo ? request.to.seconds : now
            guard range.contains(from), range.contains(to), from <= to else {
                throw .invalid("from and to: expected from before to")
            }
            let (first, last) = (from / length, to / length)
            guard last - first < Self.periodsMax else {
                throw .invalid("from and to: found \(last - first + 1) periods, expected at most \(Self.periodsMax)")
            }
            guard let sender else { return answer(.success(ownExport(request, first...last, length))) }
            var (period, cursor) = (first, "0")
            if !request.pageToken.isEmpty {
                let parts = request.pageToken.split(separator: "-").map(String.init)
                guard parts.count == 2, let number = Int64(parts[0]), (first...last).contains(number),
                    UsageReader.isCursor(parts[1])
                else { throw .invalid("page_token: found \(Self.quoted(request.pageToken)), expected that of the last page") }
                (period, cursor) = (number, parts[1])
            }
            let keys = UsageLedger.keys(domain: view.domain, hour: period * length)
            UsageReader.page(of: length == 86_400 ? keys.day : keys.hour, from: cursor, in: sender) { [scope] result in
                answer(
                    result.map { page in
                        var reply = Martlet_Quota_V1_ExportReply()
                        reply.records = page.sums.filter { request.tenant.isEmpty || $0.key.tenant == request.tenant }.map {
                            Martlet_Quota_V1_UsageRecord($0.key, $0.hits, start: period * length)
                        }
                        reply.scope = scope
                        if page.cursor != "0" {
                            reply.nextPageToken = "\(period)-\(page.cursor)"
                        } else if period < last {
                            reply.nextPageToken = "\(period + 1)-0"
                        }
                        return reply
                    })
            }
        } catch { answer(.failure(error)) }
    }

    private func ownExport(
        _ request: Martlet_Quota_V1_ExportRequest, _ periods: ClosedRange<Int64>, _ length: Int64
    ) -> Martlet_Quota_V1_ExportReply {
        var found: [Int64: [UsageKey: UInt64]] = [:]
        for (hour, sums) in ledger.sums where periods.contains(hour / length) {
            found[hour / length, default: [:]].merge(sums) { $0 &+ $1 }
        }
        var reply = Martlet_Quota_V1_ExportReply()
        for (period, sums) in found.sorted(by: { $0.key < $1.key }) {
            for (key, hits) in sums.sorted(by: { $0.key.field < $1.key.field })
            where request.tenant.isEmpty || key.tenant == request.tenant {
                reply.records.append(Martlet_Quota_V1_UsageRecord(key, hits, start: period * length))
            }
        }
        reply.scope = scope
        return reply
    }

    // MARK: Metrics

    package var families: [MetricFamily] {
        let acts = keeper.list.holding(at: loop.wall.seconds)
        let kinds: [TenantAct.Kind] = [.block, .override, .grant]
        var families = [
            MetricFamily(
                name: "martlet_quota_acts", help: "What operators have done about tenants and holds, by kind.", kind: .gauge,
                series: kinds.map { kind in
                    MetricSeries(labels: [Label("kind", kind.rawValue)], value: .level(Int64(acts.count { $0.kind == kind })))
                }),
            MetricFamily(
                name: "martlet_quota_changes_total", help: "Changes made here.", kind: .counter,
                series: [MetricSeries(value: .count(changeCount))]),
            MetricFamily(
                name: "martlet_quota_usage_waiting", help: "Sums of usage that are not in the store yet.", kind: .gauge,
                series: [MetricSeries(value: .level(keeper.isShared ? Int64(ledger.entryCount) : 0))]),
            MetricFamily(
                name: "martlet_quota_usage_lost_total", help: "Hits that no sum of usage has room for.", kind: .counter,
                series: [MetricSeries(value: .count(ledger.hitsLost))]),
        ]
        if keeper.isShared {
            // Before the first answer it is as old as can be told.
            let age = keeper.age.map { $0.components.seconds } ?? Int64(UInt32.max)
            families.append(
                MetricFamily(
                    name: "martlet_quota_list_age_seconds", help: "Since the list of acts was last read in the store.",
                    kind: .gauge,
                    series: [MetricSeries(value: .level(age))]))
        }
        return families
    }
}

extension Martlet_Quota_V1_UsageRecord {
    fileprivate init(_ key: UsageKey, _ hits: UInt64, start: Int64) {
        self.init()
        self.start = Google_Protobuf_Timestamp(seconds: start)
        tenant = key.tenant
        issuer = key.issuer
        limit = key.limit
        self.hits = hits
    }
}
