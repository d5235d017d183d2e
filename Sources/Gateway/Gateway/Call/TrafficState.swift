internal import Bytes
internal import Calls
internal import Reactor

/// What was decided for one call beside its route's one cluster: another cluster, a delay, a mirror. Most calls have none.
package final class TrafficState {
    /// Into the snapshot's clusters: where the call goes.
    private(set) var cluster: Int
    /// Why its route's fallback serves it.
    private(set) var fallback: FallbackReason?
    /// Runs while the call is held up on purpose.
    var delay: Timer?
    /// What is kept of the call for its mirror.
    var draft: MirrorDraft?

    init(cluster: Int) { self.cluster = cluster }

    /// - Parameter other: the cluster that serves it; `nil` where none does.
    func fallBack(_ reason: FallbackReason, to other: Int?) {
        fallback = reason
        if let other { cluster = other }
    }
}

/// A request that is being kept for its mirror, until all of it is there. Gives its bytes back when it ends.
final class MirrorDraft {
    /// Into the snapshot's clusters.
    let cluster: Int
    private(set) var body = ByteChain()
    private let pool: ChunkPool

    init(cluster: Int, pool: ChunkPool) {
        self.cluster = cluster
        self.pool = pool
    }

    deinit { body.removeAll(pool: pool) }

    func append(_ bytes: BorrowedBytes) { body.append(bytes, from: pool) }

    func drop() { body.removeAll(pool: pool) }
}
