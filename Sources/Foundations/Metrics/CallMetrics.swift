internal import Synchronization

/// How calls ended and how long they took, per group (a route) and method: the series whose number callers influence.
///
/// A method that is known from the configuration or a schema always has a series of its own. Of others, which callers may
/// have made up, a group has at most `methodsPerGroupMax`: half of them go to whatever comes first, half to what has come
/// often (`CallTable`), so that inventions called once take no place from a method seen later. The rest of the group is
/// counted as method `other`. Shared by all workers; a worker asks it once a method through its `CallTable`.
package final class CallMetrics: Sendable {
    package struct Names: Sendable {
        package var counter: String
        package var counterHelp: String
        package var histogram: String
        package var histogramHelp: String
        package var groupLabel: String
        package var methodLabel: String
        package var statusLabel: String

        package init(
            counter: String, counterHelp: String, histogram: String, histogramHelp: String,
            groupLabel: String = "route", methodLabel: String = "method", statusLabel: String = "grpc_status"
        ) {
            self.counter = counter
            self.counterHelp = counterHelp
            self.histogram = histogram
            self.histogramHelp = histogramHelp
            self.groupLabel = groupLabel
            self.methodLabel = methodLabel
            self.statusLabel = statusLabel
        }
    }

    private let registry: MetricRegistry
    private let names: Names
    private let statuses: [String]
    private let methodsPerGroupMax: Int
    private let groups = Mutex(Groups())

    /// - Parameter statuses: the status label's values by number; a call's status is an index into them.
    package init(registry: MetricRegistry, names: Names, statuses: [String], methodsPerGroupMax: Int = 200) {
        precondition(!statuses.isEmpty && methodsPerGroupMax >= 0)
        self.registry = registry
        self.names = names
        self.statuses = statuses
        self.methodsPerGroupMax = methodsPerGroupMax
    }

    /// The group with this name: the same for the life of the process, so a snapshot may keep it.
    package func group(_ name: String) -> CallGroup {
        groups.withLock { groups in
            if let known = groups.byName[name] { return CallGroup(index: known) }
            let other = declare(group: name, method: "other")
            groups.byName[name] = groups.all.count
            groups.all.append(Group(name: name, other: other))
            return CallGroup(index: groups.all.count - 1)
        }
    }

    /// Declares a method that is known beforehand, so that callers' inventions cannot take its place.
    package func reserve(_ group: CallGroup, method: String) { _ = find(group, method: method, .known) }

    /// How well a method is known, and so what share of a group's series it may take.
    enum Standing { case new, frequent, known }

    /// The series of `method`, or `other` where the group has none left for one of its standing.
    func find(_ group: CallGroup, method: String, _ standing: Standing) -> (series: CallSeries, isOther: Bool) {
        groups.withLock { groups in
            if let known = groups.all[group.index].methods[method] { return (known, false) }
            let unknownMax =
                switch standing {
                case .known: Int.max
                case .frequent: methodsPerGroupMax
                case .new: methodsPerGroupMax / 2
                }
            guard groups.all[group.index].unknownCount < unknownMax else { return (groups.all[group.index].other, true) }
            let series = declare(group: groups.all[group.index].name, method: method)
            groups.all[group.index].methods[method] = series
            if standing != .known { groups.all[group.index].unknownCount += 1 }
            return (series, false)
        }
    }

    func other(_ group: CallGroup) -> CallSeries { groups.withLock { $0.all[group.index].other } }

    func forEachMethod(_ body: (CallGroup, String, CallSeries) -> Void) {
        let all = groups.withLock { $0.all }
        for (index, group) in all.enumerated() {
            for (method, series) in group.methods { body(CallGroup(index: index), method, series) }
        }
    }

    private struct Groups {
        var all: [Group] = []
        var byName: [String: Int] = [:]
    }

    private struct Group {
        let name: String
        let other: CallSeries
        var methods: [String: CallSeries] = [:]
        /// How many of `methods` are known from calls only.
        var unknownCount = 0
    }

    private func declare(group: String, method: String) -> CallSeries {
        let labels = [Label(names.groupLabel, group), Label(names.methodLabel, method)]
        return CallSeries(
            statuses: registry.row(
                names.counter, help: names.counterHelp, labels: labels, over: names.statusLabel, values: statuses),
            durations: registry.histogram(names.histogram, help: names.histogramHelp, labels: labels))
    }
}

/// A route, as the metrics number it.
package struct CallGroup: Hashable, Sendable {
    let index: Int
}

/// One method's counters by status and its latencies.
@usableFromInline package struct CallSeries: Hashable, Sendable {
    @usableFromInline let statuses: CounterRow
    @usableFromInline let durations: Histogram

    init(statuses: CounterRow, durations: Histogram) {
        self.statuses = statuses
        self.durations = durations
    }
}

extension MetricShard {
    /// Counts one call that is over. A status without a name in the row is counted as `unnamed`.
    @inlinable package func record(_ call: CallSeries, status: Int, unnamed: Int = 2, nanoseconds: UInt64) {
        add(call.statuses, at: status >= 0 && status < call.statuses.count ? status : unnamed)
        observe(call.durations, nanoseconds: nanoseconds)
    }
}
