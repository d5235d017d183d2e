/// The names with the highest sums of a stream that has any number of them, in bounded memory (Metwally, Agrawal and El Abbadi, "Efficient
/// Computation of Frequent and Top-k Elements in Data Streams": space-saving).
///
/// A new name takes the place, and the sum, of the least one: sums are never too low, and too high by `error` at most. Whatever has more than
/// the whole stream divided by `countMax` is in it.
package struct TopSketch: Sendable {
    package struct Counter: Sendable, Equatable {
        package var sum: UInt64
        package var error: UInt64
    }

    package let countMax: Int
    private(set) var counters: [String: Counter] = [:]

    package init(countMax: Int = 256) { self.countMax = countMax }

    package mutating func add(_ name: String, _ amount: UInt64) {
        guard amount > 0 else { return }
        if let present = counters[name] {
            counters[name] = Counter(sum: present.sum &+ amount, error: present.error)
            return
        }
        guard counters.count >= countMax, let least = counters.min(by: { $0.value.sum < $1.value.sum }) else {
            counters[name] = Counter(sum: amount, error: 0)
            return
        }
        counters[least.key] = nil
        counters[name] = Counter(sum: least.value.sum &+ amount, error: least.value.sum)
    }

    /// The highest of both together, the highest first.
    package func top(_ count: Int, with other: TopSketch) -> [(name: String, counter: Counter)] {
        var sums = counters
        for (name, counter) in other.counters {
            let present = sums[name] ?? Counter(sum: 0, error: 0)
            sums[name] = Counter(sum: present.sum &+ counter.sum, error: present.error &+ counter.error)
        }
        let sorted = sums.sorted { ($1.value.sum, $0.key) < ($0.value.sum, $1.key) }
        return sorted.prefix(count).map { ($0.key, $0.value) }
    }
}
