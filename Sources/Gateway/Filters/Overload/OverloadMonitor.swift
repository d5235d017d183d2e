package import Metrics
internal import Synchronization

/// How many calls every worker has under way, for all workers to see: read from the gauges that they keep anyway.
///
/// While none of them has more than its share of what is free of pressure, all together are below it, and no sum is needed.
/// The first that has more makes all look, until none has any more.
package final class OverloadMonitor: Sendable {
    /// How many there will be.
    let workers: Int
    private let parts = Mutex<[Part]>([])
    private let shared = Shared()

    package struct Part: Sendable {
        let shard: MetricShard
        let activeCalls: Gauge

        package init(shard: MetricShard, activeCalls: Gauge) {
            self.shard = shard
            self.activeCalls = activeCalls
        }

        var calls: Int { Int(shard.level(activeCalls)) }
    }

    private final class Shared: @unchecked Sendable {
        let callsLook: UnsafeMutablePointer<Atomic<Int>> = .allocate(capacity: 1)

        init() { callsLook.initialize(to: Atomic(.max)) }

        deinit {
            callsLook.deinitialize(count: 1)
            callsLook.deallocate()
        }
    }

    package init(workers: Int) { self.workers = workers }

    package func register(_ part: Part) { parts.withLock { $0.append(part) } }

    var registered: [Part] { parts.withLock { $0 } }

    /// A worker with more calls than this looks at all of them. Lives as long as the monitor.
    var callsLook: UnsafeMutablePointer<Atomic<Int>> { shared.callsLook }
}
