internal import Metrics
internal import Synchronization

/// How many calls every worker has under way, for all workers to see: read from the gauges that they keep anyway.
package final class OverloadBoard: Sendable {
    private let parts = Mutex<[Part]>([])

    struct Part: Sendable {
        let shard: MetricShard
        let activeCalls: Gauge
    }

    /// How many there will be.
    let workers: Int

    package init(workers: Int) { self.workers = workers }

    func register(_ part: Part) { parts.withLock { $0.append(part) } }

    /// Of all workers. Takes a lock: only for calls that come near a limit.
    var calls: Int { parts.withLock { $0.reduce(0) { $0 + Int($1.shard.level($1.activeCalls)) } } }
}
