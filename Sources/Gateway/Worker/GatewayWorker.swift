internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Time
package import Transport

/// One worker's gateway: owns its exchanges, and joins the downstream half, the filters and the upstream half.
///
/// Everything here runs on the worker's thread, and nothing of it is seen by another.
package final class GatewayWorker {
    package let context: WorkerContext
    package private(set) var downstream: Downstream!
    private(set) var upstream: Upstream!
    /// What new exchanges are served from.
    package private(set) var current: WorkerSnapshot
    /// Older ones that exchanges still run on.
    private var leaving: [WorkerSnapshot] = []
    let exchanges: Slab<Exchange>
    var randomness: Randomness
    let replies: ReplyWriter

    /// - Parameter seed: differs by worker and start.
    package init(context: WorkerContext, serving snapshot: Snapshot, seed: UInt64) {
        self.context = context
        randomness = Randomness(seed: seed)
        replies = ReplyWriter()
        current = WorkerSnapshot(snapshot, clusters: [])
        exchanges = Slab(
            recordsPerBlock: 16,
            prepare: { record in
                let timer = UnsafeMutablePointer<TimerNode>.allocate(capacity: 1)
                timer.initialize(
                    to: TimerNode(context: UnsafeMutableRawPointer(record)) { context in
                        let exchange = context!.assumingMemoryBound(to: Exchange.self)
                        exchange.pointee.worker!._withUnsafeGuaranteedRef { $0.deadlinePassed(exchange) }
                    })
                record.initialize(to: Exchange(timer: timer))
            },
            dispose: { record in
                record.pointee.timer.deinitialize(count: 1)
                record.pointee.timer.deallocate()
                record.deinitialize(count: 1)
            })
        downstream = Downstream(worker: self)
        upstream = Upstream(worker: self)
        adopt(snapshot)
    }

    var now: Instant { context.loop.now }

    /// Exchanges that are not over.
    package var exchangeCount: Int { exchanges.liveCount }

    // MARK: Snapshots

    /// Serves new exchanges from `snapshot`; those that run finish on theirs. Clusters that did not change stay as they are.
    package func adopt(_ snapshot: Snapshot) {
        var kept: [String: Cluster] = [:]
        for cluster in current.clusters { kept[cluster.plan.name] = cluster }
        let clusters = snapshot.clusters.map { plan in
            if let cluster = kept[plan.name], cluster.plan == plan { return cluster }
            return Cluster(plan, seed: randomness.next(), context: context, client: upstream)
        }
        leaving.append(current)
        current = WorkerSnapshot(snapshot, clusters: clusters)
        retireLeft()
    }

    /// Lets go of the snapshots that no exchange runs on any more.
    private func retireLeft() {
        let done = leaving.filter { $0.exchangeCount == 0 }
        guard !done.isEmpty else { return }
        leaving.removeAll { $0.exchangeCount == 0 }
        let inUse = Set((leaving + [current]).flatMap { $0.clusters }.map { ObjectIdentifier($0) })
        for cluster in done.flatMap({ $0.clusters }) where !inUse.contains(ObjectIdentifier(cluster)) {
            cluster.retire()
            // Its connections may be on the stack, and finish what they carry.
            retired.append(cluster)
        }
    }

    /// Clusters whose connections still close.
    private var retired: [Cluster] = []

    // MARK: Exchanges

    func take(_ stream: StreamPointer) -> ExchangePointer {
        let exchange = exchanges.take()
        exchange.pointee.begin(on: stream, at: now, worker: Unmanaged.passUnretained(self))
        exchange.pointee.snapshot = Unmanaged.passUnretained(current)
        current.exchangeCount += 1
        stream.pointee.context = UnsafeMutableRawPointer(exchange)
        return exchange
    }

    /// The downstream stream is no more, and so the exchange: whatever it still holds is given back.
    func end(_ exchange: ExchangePointer, _ reason: StreamClose) {
        if exchange.pointee.phase != .over { abandoned(exchange, reason) }
        upstream.cancel(exchange)
        exchange.pointee.phase = .over
        context.loop.timers.disarm(exchange.pointee.timer)
        exchange.pointee.downstream!.pointee.context = nil
        let snapshot = exchange.pointee.snapshot!
        exchange.pointee.finish(pool: context.chunks)
        exchanges.give(exchange)
        snapshot._withUnsafeGuaranteedRef { $0.exchangeCount -= 1 }
        if !leaving.isEmpty { retireLeft() }
    }

    /// The caller went away before the answer was complete.
    private func abandoned(_ exchange: ExchangePointer, _ reason: StreamClose) {
        exchange.pointee.outcome.flag = reason == .connectionLost ? "DC" : "DR"
        exchange.pointee.outcome.detail =
            reason == .connectionLost ? "downstream_disconnect" : "downstream_remote_reset"
        if exchange.pointee.outcome.grpcStatus == nil { exchange.pointee.outcome.grpcStatus = .cancelled }
    }
}
