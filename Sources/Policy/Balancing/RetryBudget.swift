/// How much may run beside what callers have asked for, from the whole process to one cluster: a share of what is under way.
package struct RetryBudget: Sendable, Equatable {
    package var percent: Int
    /// So many may whatever the share is.
    package var countMin: Int

    package static let defaults = RetryBudget(percent: 20, countMin: 3)

    package init(percent: Int, countMin: Int) {
        self.percent = percent
        self.countMin = countMin
    }

    package func allows(_ running: Int, beside active: Int) -> Bool {
        running < countMin || (running + 1) * 100 <= percent * active
    }
}
