package import Quotas
package import RateLimit

/// What operators have done about tenants, made ready for workers: immutable, shared by all. Made anew with every change, and with every
/// snapshot whose limits are others.
package final class TenantTable: Sendable {
    private struct Entry: Sendable {
        /// Of whose tokens calls are refused; an empty one is any.
        var blocked: [[UInt8]] = []
        var adjusted: [(issuer: [UInt8], limit: Limit)] = []
    }

    private let entries: [[UInt8]: Entry]
    /// Calls that run may be some that are refused now.
    package let hasBlocks: Bool

    package var isEmpty: Bool { entries.isEmpty }

    /// - Parameters:
    ///   - acts: that hold now.
    ///   - limits: of the snapshot, per tenant. Acts of others have no effect.
    package init(_ acts: [TenantAct], limits: [Limit]) {
        var entries: [[UInt8]: Entry] = [:]
        var places: [[String]: (issuer: String, acts: [TenantAct])] = [:]
        for act in acts {
            switch act.kind {
            case .block: entries[Array(act.tenant.utf8), default: Entry()].blocked.append(Array(act.issuer.utf8))
            case .override, .grant: places[[act.tenant, act.limit, act.issuer], default: (act.issuer, [])].acts.append(act)
            case .reset: break
            }
        }
        hasBlocks = !entries.isEmpty
        for (place, entry) in places {
            guard let limit = limits.first(where: { $0.fullName == place[1] }) else { continue }
            // Those of any issuer count for each.
            let common = entry.issuer.isEmpty ? [] : places[[place[0], place[1], ""]]?.acts ?? []
            guard let adjusted = Self.adjusted(limit, by: entry.acts, common) else { continue }
            entries[Array(place[0].utf8), default: Entry()].adjusted.append((Array(entry.issuer.utf8), adjusted))
        }
        self.entries = entries
    }

    private static func adjusted(_ limit: Limit, by own: [TenantAct], _ common: [TenantAct]) -> Limit? {
        let override = own.last { $0.kind == .override } ?? common.last { $0.kind == .override }
        var granted: UInt64 = 0
        for act in own + common where act.kind == .grant { granted = min(TenantAct.countMax, granted + act.count) }
        func adjusted(_ granted: UInt64) -> Limit? {
            limit.adjusted(
                count: override?.count, burst: override.flatMap { $0.burst == 0 ? nil : $0.burst }, granted: granted)
        }
        if let whole = adjusted(granted) { return whole }
        // Each was accepted by itself, and together they are more than the limit can be: as much of what was granted as fits.
        guard var found = adjusted(0) else { return nil }
        var (fits, tooMany): (UInt64, UInt64) = (0, granted)
        while tooMany - fits > 1 {
            let middle = fits + (tooMany - fits) / 2
            if let limit = adjusted(middle) { (found, fits) = (limit, middle) } else { tooMany = middle }
        }
        return found
    }

    package func blocks(_ tenant: [UInt8], of issuer: [UInt8]) -> Bool {
        guard hasBlocks, let entry = entries[tenant] else { return false }
        return entry.blocked.contains { $0.isEmpty || $0 == issuer }
    }

    /// What counts in place of `limit`; `nil` where nothing does.
    package func limit(inPlaceOf limit: Limit, for tenant: [UInt8], of issuer: [UInt8]) -> Limit? {
        guard let entry = entries[tenant] else { return nil }
        var found: Limit?
        for adjusted in entry.adjusted where adjusted.limit.sharesCounters(with: limit) {
            if adjusted.issuer == issuer { return adjusted.limit }
            if adjusted.issuer.isEmpty { found = adjusted.limit }
        }
        return found
    }
}
