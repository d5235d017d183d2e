internal import Bytes
package import RateLimit
package import Time

/// A worker's store, and the requests that wait on it.
package final class Limiter: LimitDelegate, LimitCharger {
    package private(set) var store: any LimitStore
    private var free: [LimitRequest] = []
    /// Called with every change of what is known of the store's trouble.
    package var storeChanged: ((StoreTrouble?) -> Void)?
    /// Called where `LimitStore.sweepLeases` is to be called from now on.
    package var leased: (() -> Void)?
    /// Called when `isIdle` may have become true.
    package var storeReleased: (() -> Void)?
    unowned(unsafe) var filter: LimitsFilter?
    /// Requests that a store, or a call, has.
    private var outstandingCount = 0
    /// Nothing is outstanding, and nothing is still to be told to its store.
    package var isIdle: Bool { outstandingCount == 0 && !store.isReleasing }

    /// Of the snapshot that it was made for.
    package let generation: UInt64
    private let onRetire: () -> Void

    /// - Parameter onRetire: ends what the store has open.
    package init(store: any LimitStore, generation: UInt64, onRetire: @escaping () -> Void = {}) {
        self.store = store
        self.generation = generation
        self.onRetire = onRetire
        store.delegate = self
    }

    /// No snapshot uses it any more, and nothing is outstanding.
    package func retire() { onRetire() }

    package func makeRequest() -> LimitRequest {
        outstandingCount += 1
        return free.popLast() ?? LimitRequest(keepsValues: store.needsValues)
    }

    package func recycle(_ request: LimitRequest) {
        outstandingCount -= 1
        request.owner = nil
        // Of a call that was answered before its limits were decided.
        request.takeHolds()?.release()
        request.answered = nil
        free.append(request)
    }

    package func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer {
        store.decide(request, now: now, wall: wall)
    }

    package func charge(_ request: LimitRequest, of owner: AnyObject, now: Instant, wall: WallTime) {
        request.owner = owner
        if case .decided = store.decide(request, now: now, wall: wall) { recycle(request) }
    }

    package func limitStoreReleased() { storeReleased?() }

    package func limitStoreChanged(_ trouble: StoreTrouble?) { storeChanged?(trouble) }

    package func limitStoreLeased() { leased?() }

    package func limitDecided(_ request: LimitRequest) {
        if let answered = request.answered { return answered() }
        defer { recycle(request) }
        guard !request.isAbandoned, let context = request.context else { return }
        filter?.decided(request, context: context)
    }
}
