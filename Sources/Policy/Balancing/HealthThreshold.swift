/// How many checks in a row it takes to change one's mind about an endpoint. The first one decides alone.
package struct HealthThreshold {
    private let healthy: Int
    private let unhealthy: Int
    private var verdict: Bool?
    /// Checks in a row that spoke against the verdict.
    private var doubts = 0

    package init(healthy: Int, unhealthy: Int) {
        self.healthy = healthy
        self.unhealthy = unhealthy
    }

    /// What is to be believed after one more check.
    package mutating func record(isPassed: Bool) -> Bool {
        guard let former = verdict else {
            verdict = isPassed
            return isPassed
        }
        doubts = isPassed == former ? 0 : doubts + 1
        if doubts >= (isPassed ? healthy : unhealthy) { set(isPassed) }
        return verdict ?? isPassed
    }

    /// The endpoint has said so itself.
    package mutating func set(_ isHealthy: Bool) {
        verdict = isHealthy
        doubts = 0
    }
}
