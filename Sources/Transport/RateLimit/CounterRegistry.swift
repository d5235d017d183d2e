package import Reactor
internal import Synchronization
package import Time

/// All tables of a process, by what their limits are: a configuration that is read again finds its limits' counters here.
///
/// A limit is told from others by place, name, window and keys, but not by count, burst or maximum. The counters of a limit that
/// no snapshot has any more are kept for ten minutes, so that a mistake in a configuration can be mended without their loss.
package final class CounterRegistry: Sendable {
    /// The process's secret: of every digest.
    package let seed: HashSeed
    package let cells: CounterCells
    /// The maintaining loop; not its whole ticks, in which a configuration may be read.
    private let maintaining: EpochDomain.Participant
    private let state = Mutex<State>(State())
    private let processes = Atomic<Int>(1)

    package static let poolDefault = 4_194_304
    package static let poolMax = 1 << 27
    private static let keptUnused = Duration.seconds(600)
    /// Looked at in one go by the control loop: a few milliseconds at most.
    private static let bucketsMaintained = 8192

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var lastMaintained = 0
        var namedByCallers = 0
    }

    private struct Entry {
        var table: CounterTable
        let place: String
        let name: String
        /// Since when no limit has it.
        var unusedSince: Instant?
        var told: Set<CounterTrouble.Kind> = []
    }

    package init(seed: HashSeed = .random(), pool: Int = CounterRegistry.poolDefault) {
        self.seed = seed
        let epochs = EpochDomain()
        cells = CounterCells(pool: pool, epochs: epochs)
        maintaining = epochs.join()
    }

    /// How many processes that live share the store of the limits, as far as is known: one at least.
    package var processCount: Int { processes.load(ordering: .relaxed) }

    package func setProcessCount(_ count: Int) { processes.store(max(count, 1), ordering: .relaxed) }

    /// Threads that count, from within their loop's ticks.
    package func join(_ loop: EventLoop) { loop.join(cells.epochs) }

    /// The table of a limit; `place` and `name` are for people.
    package func table(_ identity: [UInt8], place: String, name: String) -> CounterTable {
        state.withLock { state in
            if let entry = state.entries[identity] { return entry.table }
            return add(identity, Entry(table: CounterTable(cells: cells), place: place, name: name), to: &state)
        }
    }

    /// The table of a limit that callers name; `nil` for a new one where there are `tablesMax` of such already.
    package func tableNamedByCaller(
        _ identity: [UInt8], place: String, name: String, tablesMax: Int
    ) -> CounterTable? {
        state.withLock { state in
            if let entry = state.entries[identity] { return entry.table }
            guard state.namedByCallers < tablesMax else { return nil }
            state.namedByCallers += 1
            return add(identity, Entry(table: CounterTable(cells: cells), place: place, name: name), to: &state)
        }
    }

    private func add(_ identity: [UInt8], _ entry: Entry, to state: inout State) -> CounterTable {
        state.entries[identity] = entry
        return entry.table
    }

    /// For tests.
    package var tableCount: Int { state.withLock { $0.entries.count } }

    /// On the control loop, every second or so: frees what is not used any more, and returns what has not been told.
    package func maintain(now: Instant, wall: WallTime) -> [CounterTrouble] {
        let (tables, troubles) = state.withLock { state in
            var troubles: [CounterTrouble] = []
            for identity in Array(state.entries.keys) {
                var entry = state.entries.removeValue(forKey: identity)!
                if isKnownUniquelyReferenced(&entry.table) {
                    let since = entry.unusedSince ?? now
                    guard since + Self.keptUnused > now else { continue }
                    entry.unusedSince = since
                } else {
                    entry.unusedSince = nil
                }
                for kind in CounterTrouble.Kind.allCases
                where entry.table.calls(in: kind) > 0 && entry.told.insert(kind).inserted {
                    troubles.append(CounterTrouble(kind: kind, place: entry.place, name: entry.name))
                }
                state.entries[identity] = entry
            }
            let tables = state.entries.values.map(\.table).filter { $0.count > 0 }
            return (tables, troubles)
        }
        maintaining.enter()
        maintain(tables, now: now, wall: wall)
        maintaining.leave()
        cells.maintain()
        return troubles
    }

    /// Counts, or asks, on the maintaining loop.
    package func whileInside(_ body: () -> Void) {
        maintaining.enter()
        body()
        maintaining.leave()
    }

    /// In turn, as far as the budget goes.
    private func maintain(_ tables: [CounterTable], now: Instant, wall: WallTime) {
        guard !tables.isEmpty else { return }
        let first = state.withLock { state in
            state.lastMaintained += 1
            return state.lastMaintained
        }
        var budget = Self.bucketsMaintained
        for step in tables.indices where budget > 0 {
            let table = tables[(first + step) % tables.count]
            budget -= table.maintain(EvictionScale(now: now, wall: wall), buckets: budget)
        }
    }

    /// Of every limit that has, or had, counters.
    package var readings: [CounterReading] {
        state.withLock { state in
            state.entries.values.compactMap { entry in
                let reading = CounterReading(
                    place: entry.place, name: entry.name, held: entry.table.count,
                    evictedRecovered: entry.table.evictedRecovered.load(ordering: .relaxed),
                    evictedBelowLimit: entry.table.evictedBelowLimit.load(ordering: .relaxed),
                    evictedAtLimit: entry.table.evictedAtLimit.load(ordering: .relaxed))
                return reading.held == 0 && reading.evictedRecovered == 0 && reading.evictedLive == 0 ? nil : reading
            }
        }.sorted { ($0.place, $0.name) < ($1.place, $1.name) }
    }
}

/// What a limit's counters do, for metrics.
package struct CounterReading: Sendable, Equatable {
    package var place: String
    package var name: String
    package var held: Int
    package var evictedRecovered: UInt64
    package var evictedBelowLimit: UInt64
    package var evictedAtLimit: UInt64

    package var evictedLive: UInt64 { evictedBelowLimit + evictedAtLimit }
}

/// A limit has, or had, more keys than counters.
package struct CounterTrouble: Sendable, Equatable {
    package enum Kind: CaseIterable, Sendable {
        /// Counters were evicted that had not come to their limit.
        case belowLimit
        /// Counters were evicted that had: their keys begin anew.
        case atLimit
        /// There was no memory for one: a call was let through uncounted.
        case uncounted
    }

    package var kind: Kind
    package var place: String
    package var name: String
}

extension CounterTable {
    fileprivate func calls(in kind: CounterTrouble.Kind) -> UInt64 {
        switch kind {
        case .belowLimit: evictedBelowLimit.load(ordering: .relaxed)
        case .atLimit: evictedAtLimit.load(ordering: .relaxed)
        case .uncounted: uncountedCalls.load(ordering: .relaxed)
        }
    }
}
