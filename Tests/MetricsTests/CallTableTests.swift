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
        let (metrics, shard) = (metrics(perGroup: 4), registry.makeShard())
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

    @Test("made-up methods take half of a group, and one that comes often finds a place all the same")
    func inventions() {
        let (metrics, shard) = (metrics(), registry.makeShard())
        let table = CallTable(metrics, seed: 1)
        let group = metrics.group("orders")
        for number in 0..<1000 { shard.record(series(table, group, "made/Up\(number)"), status: 0, nanoseconds: 1) }
        #expect(counts("orders").count == 101)
        for _ in 0..<30 { shard.record(series(table, group, "a.B/Real"), status: 0, nanoseconds: 1) }
        #expect((counts("orders")["a.B/Real OK"] ?? 0) >= 15, "its first calls went to other")
        for number in 0..<1000 {
            for _ in 0..<12 { shard.record(series(table, group, "often/Up\(number)"), status: 0, nanoseconds: 1) }
        }
        #expect(counts("orders").count == 201, "the limit, and other")
    }

    @Test("a method that a schema has is never other, however full its group")
    func known() {
        let metrics = metrics(perGroup: 4)
        let table = CallTable(metrics, seed: 1)
        let group = metrics.group("orders")
        for number in 0..<100 { _ = series(table, group, "made/Up\(number)") }
        func known(_ name: String, mayCreate: Bool) -> CallSeries {
            var name = name
            return name.withUTF8 { table.series(group, method: UnsafeRawBufferPointer($0), mayCreate: mayCreate) { true } }
        }
        let all = Set((0..<500).map { known("a.B/M\($0)", mayCreate: $0 % 2 == 0) })
        #expect(all.count == 500 && !all.contains(metrics.other(group)))
    }

    @Test("the table keeps what it knows while it grows")
    func grows() {
        let metrics = metrics(perGroup: 2000)
        let table = CallTable(metrics, seed: 7)
        let group = metrics.group("g")
        let names = (0..<500).map { "pkg.Service/Method\($0)" } + ["", "x", "12345678", "123456789"]
        let first = names.map { series(table, group, $0) }
        #expect(Set(first).count == names.count)
        #expect(names.map { series(table, group, $0, mayCreate: false) } == first)
    }
}
