package import Bytes
package import Calls
internal import Reactor

/// What was decided for one call beside its route's one cluster: another cluster, a delay, a mirror. Most calls have none.
package final class TrafficState {
    /// Into the snapshot's clusters: where the call goes.
    package private(set) var cluster: Int
    /// Why its route's fallback serves it.
    package private(set) var fallback: FallbackReason?
    /// Runs while the call is held up on purpose.
    var delay: Timer?
    /// What is kept of the call for its mirror.
    package var draft: MirrorDraft?

    package init(cluster: Int) { self.cluster = cluster }

    /// - Parameter other: the cluster that serves it; `nil` where none does.
    package func fallBack(_ reason: FallbackReason, to other: Int?) {
        fallback = reason
        if let other { cluster = other }
    }
}

/// A request that is being kept for its mirror, until all of it is there. Gives its bytes back when it ends.
package final class MirrorDraft {
    /// Into the snapshot's clusters.
    package let cluster: Int
    package private(set) var body = ByteChain()
    private let pool: ChunkPool

    package init(cluster: Int, pool: ChunkPool) {
        self.cluster = cluster
        self.pool = pool
    }

    deinit { body.removeAll(pool: pool) }

    package func append(_ bytes: BorrowedBytes) { body.append(bytes, from: pool) }

    package func drop() { body.removeAll(pool: pool) }
}
