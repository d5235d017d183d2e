/// A snapshot in service on one worker: its clusters, and how many exchanges still run on it. Counted without atomics.
package final class WorkerSnapshot {
    package let snapshot: Snapshot
    /// `snapshot`, read without counting references.
    let reference: Unmanaged<Snapshot>
    package let clusters: [Cluster]
    let limiter: Limiter
    /// By index, for choosing one without counting references.
    private let clusterReferences: [Unmanaged<Cluster>]
    /// Exchanges that began on it and are not over.
    var exchangeCount = 0

    init(_ snapshot: Snapshot, clusters: [Cluster], limiter: Limiter) {
        self.snapshot = snapshot
        reference = .passUnretained(snapshot)
        self.clusters = clusters
        clusterReferences = clusters.map { .passUnretained($0) }
        self.limiter = limiter
    }

    @inline(__always)
    func cluster(of route: Unmanaged<Route>) -> Unmanaged<Cluster> {
        route._withUnsafeGuaranteedRef { clusterReferences[$0.cluster] }
    }

    /// The one that its calls go to. It has a route.
    @inline(__always)
    func cluster(of exchange: ExchangePointer) -> Unmanaged<Cluster> {
        guard exchange.pointee.shaping == nil else { return clusterReferences[exchange.pointee.shaping!.cluster] }
        return cluster(of: exchange.pointee.route!)
    }
}
