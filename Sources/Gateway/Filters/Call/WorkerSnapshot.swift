package import Bytes
package import Snapshots
package import Upstreams

/// A snapshot in service on one worker: its clusters, and how many calls still run on it. Counted without atomics.
package final class WorkerSnapshot {
    package let snapshot: Snapshot
    /// `snapshot`, read without counting references.
    package let reference: Borrowed<Snapshot>
    package let clusters: [Cluster]
    /// By index, for choosing one without counting references.
    private let clusterReferences: [Borrowed<Cluster>]
    /// Calls that began on it and are not over.
    package var callCount = 0

    package init(_ snapshot: Snapshot, clusters: [Cluster]) {
        self.snapshot = snapshot
        reference = Borrowed(snapshot)
        self.clusters = clusters
        clusterReferences = clusters.map { Borrowed($0) }
    }

    @inline(__always)
    package func cluster(of route: Borrowed<Route>) -> Borrowed<Cluster> {
        route { clusterReferences[$0.cluster] }
    }

    /// The one that its calls go to. It has a route.
    @inline(__always)
    package func cluster(of call: Record<Call>) -> Borrowed<Cluster> {
        if let traffic = call.traffic { return clusterReferences[traffic.cluster] }
        return cluster(of: call.route)
    }
}

extension Record<Call> {
    /// Where it leads.
    @inline(__always)
    package var cluster: Borrowed<Cluster> { self.snapshot { $0.cluster(of: self) } }
}
