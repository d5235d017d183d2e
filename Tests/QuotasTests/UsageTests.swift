import Testing

@testable import Quotas

@Suite("Usage of tenants")
struct UsageTests {
    private func add(_ number: UInt64, to table: inout UsageTable, hits: UInt64 = 1, refusals: UInt64 = 0) {
        table.add(low: number, high: 7, hits: hits, refusals: refusals) { (Array("t\(number)".utf8), [], "l") }
    }

    @Test("hits of one counter add up, and counters whose digests fall together stay apart")
    func sums() {
        var table = UsageTable()
        for number: UInt64 in [1, 1 + 4096, 1 + 8192, 1] { add(number, to: &table, hits: number) }
        add(1, to: &table, hits: 0, refusals: 3)
        let sums = table.take()
        #expect(sums.map(\.hits) == [2, 4097, 8193] && sums.map(\.refusals) == [3, 0, 0])
        var (isEmpty, rest) = (table.isEmpty, table.take())
        #expect(isEmpty && rest.isEmpty)
        add(1, to: &table)
        rest = table.take()
        #expect(rest.map(\.tenant) == [Array("t1".utf8)], "it begins anew")
        isEmpty = table.isEmpty
        #expect(isEmpty)
    }

    @Test("it is full with its last entry")
    func fullness() {
        var table = UsageTable()
        for number in 1..<UInt64(UsageTable.entriesMax) { add(number, to: &table) }
        var isFull = table.isFull
        #expect(!isFull)
        add(0, to: &table)
        isFull = table.isFull
        #expect(isFull)
        add(0, to: &table)
        let count = table.take().count
        #expect(count == UsageTable.entriesMax)
    }

    @Test("the highest sums are found among many, and no sum is too low, nor too high by more than is said")
    func sketch() {
        var sketch = TopSketch(countMax: 20)
        var sums: [String: UInt64] = [:]
        for round in 0..<2_000 {
            let name = round % 3 == 0 ? "a" : round % 7 == 0 ? "b" : "t\(round % 400)"
            sketch.add(name, 2)
            sums[name, default: 0] += 2
        }
        #expect(sketch.counters.count == 20)
        for (name, counter) in sketch.counters {
            #expect(counter.sum >= sums[name]! && counter.sum - counter.error <= sums[name]!)
        }
        #expect(sketch.top(2, with: TopSketch()).map(\.name) == ["a", "b"])
        #expect(sketch.top(1, with: sketch).map(\.counter.sum) == [2 * sketch.counters["a"]!.sum])
        #expect(TopSketch().top(5, with: TopSketch()).isEmpty)
    }

    @Test("what usage is summed by is a field, and the field says it again")
    func fields() {
        let key = UsageKey(tenant: "a:b ü", issuer: "https://i", limit: "plans.free.limits[0]")
        #expect(UsageKey(field: key.field) == key && !key.field.contains(" "))
        for field in ["", "a", "a:b", "a:b:c:d", ":b:c", "%:b:c", "%zz:b:c", "%ff:b:c", "#1f"] {
            #expect(UsageKey(field: field) == nil)
        }
        #expect(!UsageKey(tenant: String(repeating: "t", count: 257), issuer: "", limit: "l").isKept)
        #expect(UsageKey(tenant: String(repeating: "t", count: 256), issuer: "", limit: "l").isKept)
    }
}
