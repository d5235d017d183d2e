/// How calls divide between priorities: as much as it can carry to the first, the rest to the next (Envoy's rule).
///
/// A priority carries its healthy share, overprovisioned: with 140 %, up to 28 of a hundred endpoints may fail before the
/// next one is used. Where all together carry less than everything, each gets its part of what there is; and one whose
/// healthy share is under the threshold panics, which means that its health is not believed.
struct PriorityLoads: Equatable {
    /// Of a hundred calls; they add up to a hundred, or are all zero where no endpoint is healthy and no level panics.
    private(set) var percents: [Int]
    private(set) var panics: [Bool]

    struct Level {
        var members: Int
        var healthy: Int
    }

    init(_ levels: [Level], _ settings: BalancingSettings) {
        panics = levels.map { _ in false }
        percents = levels.map { _ in 0 }
        let carried = levels.map { level in
            level.members == 0 ? 0 : min(100, settings.overprovisioningPercent * level.healthy / level.members)
        }
        let total = min(100, carried.reduce(0, +))
        if total < 100, settings.panicPercent > 0 {
            panics = levels.map { $0.members > 0 && 100 * $0.healthy < settings.panicPercent * $0.members }
        }
        let nonEmpty = levels.indices.filter { levels[$0].members > 0 }
        if !nonEmpty.isEmpty, nonEmpty.allSatisfy({ panics[$0] }) {
            // Health is ignored: by their numbers.
            let members = levels.reduce(0) { $0 + $1.members }
            for index in nonEmpty { percents[index] = 100 * levels[index].members / members }
        } else {
            guard total > 0 else { return }
            var left = 100
            for index in levels.indices {
                percents[index] = min(left, carried[index] * 100 / total)
                left -= percents[index]
            }
        }
        // What division left over goes to the first that gets anything.
        if let first = percents.firstIndex(where: { $0 > 0 }) { percents[first] += 100 - percents.reduce(0, +) }
    }
}
