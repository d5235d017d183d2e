internal import Bytes
internal import JSON
internal import LimitRules
package import Quotas
package import RateLimit
package import Reactor
package import Redis
package import Snapshots
internal import Time
internal import Upstreams

/// What can be looked at and done about tenants, over any way that leads here. On the control loop.
///
///     request ──checked──▶ the list of acts changes in the store ──▶ audit log ──▶ answer
///                               └──▶ every gateway reads it, and makes its workers another `TenantTable`
package final class QuotaManager {
    /// What of the configuration in service counts here.
    package struct View {
        /// Per tenant, each once.
        package var limits: [Limit]
        package var issuers: [String]
        /// Of the store; `nil` for this process's memory.
        package var store: String?
        package var domain: String
        /// A rate-limit service counts, and tells nothing.
        package var isCountedByService: Bool

        package init(_ snapshot: Snapshot, store: String?, isCountedByService: Bool) {
            limits = snapshot.limitsPerTenant
            issuers = snapshot.authentication?.issuers.map(\.policy.issuer) ?? []
            self.store = store
            domain = snapshot.store.domain
            self.isCountedByService = isCountedByService
        }

        package static let none = View()

        private init() {
            (limits, issuers, store, domain, isCountedByService) = ([], [], nil, "", false)
        }
    }

    package let keeper: ActKeeper
    let loop: EventLoop
    let random: () -> UInt64
    let counters: CounterRegistry
    let audit: AuditLog
    let ledger: UsageLedger
    package private(set) var view = View.none
    private(set) var reader: CounterReader?
    private(set) var sender: (any RedisSender)?
    private var forgotten: Set<String> = []
    /// Changes made here.
    package internal(set) var changeCount: UInt64 = 0
    /// For all workers.
    package var tableChanged: ((TenantTable) -> Void)?
    /// For all workers: a counter has been reset.
    package var counterReset: ((CounterName) -> Void)?

    package init(
        on loop: EventLoop, random: @escaping () -> UInt64, counters: CounterRegistry, audit: AuditLog,
        say: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.random = random
        self.counters = counters
        self.audit = audit
        ledger = UsageLedger(on: loop, process: random(), say: say)
        keeper = ActKeeper(on: loop, random: random, say: say)
        keeper.changed = { [unowned self] in actsChanged() }
    }

    /// Another store from now on.
    ///
    /// - Parameters:
    ///   - sender: `nil` for none: all of it is this process's.
    ///   - reader: `nil` where counters cannot be read.
    package func use(_ sender: (any RedisSender)?, _ reader: CounterReader?, _ view: View) {
        self.sender = sender
        self.reader = reader
        self.view = view
        ledger.use(sender, domain: view.domain)
        keeper.use(sender, domain: view.domain)
    }

    /// Another configuration with the same store.
    package func adopt(_ view: View) {
        self.view = view
        tableChanged?(table)
    }

    // MARK: What holds

    package var table: TenantTable { TenantTable(keeper.list.holding(at: loop.wall.seconds), limits: view.limits) }

    private func actsChanged() {
        tableChanged?(table)
        let resets = keeper.list.holding(at: loop.wall.seconds).filter { $0.kind == .reset }
        for act in resets where !forgotten.contains(act.field) { for name in names(of: act) { counterReset?(name) } }
        forgotten = Set(resets.map(\.field))
    }

    private func names(of reset: TenantAct) -> [CounterName] {
        guard let limit = view.limits.first(where: { $0.fullName == reset.limit }) else { return [] }
        return issuers(reset.issuer).compactMap { name(limit, tenant: reset.tenant, issuer: $0, reset.keys) }
    }

    func name(_ limit: Limit, tenant: String, issuer: String, _ keys: [String: String]) -> CounterName? {
        CounterName(limit, issuer: Array(issuer.utf8)) { key in
            key == .tenant ? Array(tenant.utf8) : keys[key.description].map { Array($0.utf8) }
        }
    }

    /// Those that are meant, where none is named all.
    func issuers(_ named: String) -> [String] { named.isEmpty ? view.issuers : [named] }

    /// What counts for a tenant in place of a limit.
    func inForce(_ limit: Limit, tenant: String, issuer: String, _ table: TenantTable) -> Limit {
        table.limit(inPlaceOf: limit, for: Array(tenant.utf8), of: Array(issuer.utf8)) ?? limit
    }

    /// What numbers are of.
    var scope: String { view.store ?? "this process" }

    // MARK: What requests name

    func checkTenant(_ tenant: String) throws(QuotaFailure) {
        guard !tenant.isEmpty else { throw .invalid("tenant: expected a tenant's name") }
        guard tenant.utf8.count <= TenantAct.nameBytesMax else {
            throw .invalid("tenant: found \(tenant.utf8.count) bytes, expected at most \(TenantAct.nameBytesMax)")
        }
    }

    func checkIssuer(_ issuer: String) throws(QuotaFailure) {
        guard issuer.isEmpty || view.issuers.contains(issuer) else {
            throw .notFound(
                "issuer: found \(Self.quoted(issuer)), expected one of \(view.issuers.map(Self.quoted).joined(separator: ", "))")
        }
    }

    /// By PLACE/NAME, or by a name that only one has.
    func limit(_ named: String) throws(QuotaFailure) -> Limit {
        let whole = view.limits.filter { $0.fullName == named }
        let found = whole.isEmpty ? view.limits.filter { $0.name == named } : whole
        if found.count == 1 { return found[0] }
        let known = (found.isEmpty ? view.limits : found).map(\.fullName).sorted()
        let named = Self.quoted(named)
        guard !known.isEmpty else { throw .notFound("limit: found \(named), and no limit counts by tenant") }
        let more = known.count > Self.namesMax ? " and \(known.count - Self.namesMax) more" : ""
        throw .notFound("limit: found \(named), expected one of \(known.prefix(Self.namesMax).joined(separator: ", "))\(more)")
    }

    private static let namesMax = 20

    static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        var text = String(text.prefix(200))
        text.withUTF8 { JSONWriter.quote(UnsafeRawBufferPointer($0), &buffer) }
        return String(decoding: buffer.readable, as: UTF8.self)
    }
}
