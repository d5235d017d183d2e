import Testing
@testable import Metrics

@Suite struct CallTableTests {
    private let registry = MetricRegistry()

    private func metrics(perGroup limit: Int = 200) -> CallMetrics {
        CallMetrics(
            registry: registry,
            names: .init(counter: "calls_total", counterHelp: "", histogram: "call_seconds", histogramHelp: ""),
            statuses: ["OK", "CANCELLED", "UNKNOWN"], methodsPerGroupMax: limit)
    }

    private func series(
        _ table: CallTable, _ group: CallGroup, _ method: String, mayCreate: Bool = true
    ) -> CallSeries {
        var method = method
        return method.withUTF8 { table.series(group, method: UnsafeRawBufferPointer($0), mayCreate: mayCreate) }
    }

    /// Method and status to count, of one route.
    private func counts(_ route: String) -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        for series in registry.read().first(where: { $0.name == "calls_total" })?.series ?? []
        where series.labels[0].value == route {
            if case .count(let count) = series.value { counts["\(series.labels[1].value) \(series.labels[2].value)"] = count }
        }
        return counts
    }

    @Test("calls are counted by route, method and status, and timed")
    func records() {
        let (metrics, shard) = (metrics(), registry.makeShard())
        let table = CallTable(metrics, seed: 1)
        let (orders, users) = (metrics.group("orders"), metrics.group("users"))
        shard.record(series(table, orders, "a.B/C"), status: 0, nanoseconds: 1)
        shard.record(series(table, orders, "a.B/C"), status: 0, nanoseconds: 1)
        shard.record(series(table, orders, "a.B/D"), status: 1, nanoseconds: 1)
        shard.record(series(table, users, "a.B/C"), status: 99, nanoseconds: 1)
        shard.record(series(table, users, "a.B/C"), status: -1, nanoseconds: 1)
        #expect(counts("orders") == ["a.B/C OK": 2, "a.B/D CANCELLED": 1])
        #expect(counts("users") == ["a.B/C UNKNOWN": 2], "a status without a name")
    }

    @Test("workers find the same series, and so does the next configuration")
    func shared() {
        let metrics = metrics()
        let (one, two) = (CallTable(metrics, seed: 1), CallTable(metrics, seed: 2))
        let group = metrics.group("orders")
        #expect(series(one, group, "a.B/C") == series(two, metrics.group("orders"), "a.B/C"))
        #expect(series(one, group, "a.B/C") != series(one, group, "a.B/D"))
        #expect(series(one, group, "a.B/C") != series(one, metrics.group("users"), "a.B/C"))
    }

    @Test("a group takes methods up to its limit; one more is counted as other")
    func bound() {
        let (metrics, shard) = (metrics(perGroup: 2), registry.makeShard())
        let table = CallTable(metrics, seed: 1)
        let group = metrics.group("orders")
        for method in ["a", "b", "c", "d", "a"] { shard.record(series(table, group, method), status: 0, nanoseconds: 1) }
        #expect(counts("orders") == ["a OK": 2, "b OK": 1, "other OK": 2])
        let full = metrics.group("full")
        #expect(series(table, full, "c") != series(table, full, "d"), "another group has room of its own")
    }

    @Test("a method nobody confirmed makes no series, a reserved one has its own all the same")
    func unconfirmed() {
        let (metrics, shard) = (metrics(), registry.makeShard())
        let table = CallTable(metrics, seed: 1)
        let group = metrics.group("orders")
        metrics.reserve(group, method: "known")
        table.adoptKnown()
        for method in ["known", "invented"] {
            shard.record(series(table, group, method, mayCreate: false), status: 0, nanoseconds: 1)
        }
        #expect(counts("orders") == ["known OK": 1, "other OK": 1])
    }

    @Test("the table keeps what it knows while it grows")
    func grows() {
        let metrics = metrics(perGroup: 1000)
        let table = CallTable(metrics, seed: 7)
        let group = metrics.group("g")
        let names = (0..<500).map { "pkg.Service/Method\($0)" } + ["", "x", "12345678", "123456789"]
        let first = names.map { series(table, group, $0) }
        #expect(Set(first).count == names.count)
        #expect(names.map { series(table, group, $0, mayCreate: false) } == first)
    }
}
