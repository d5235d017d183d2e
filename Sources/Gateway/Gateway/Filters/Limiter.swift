internal import Bytes
internal import RateLimit

/// A worker's store, and the requests that wait on it.
final class Limiter: LimitDelegate {
    private(set) var store: any LimitStore
    private var free: [LimitRequest] = []
    /// Called with every change of what is known of the store's trouble.
    var storeChanged: ((StoreTrouble?) -> Void)?
    unowned(unsafe) var filter: LimitsFilter?
    /// Requests that a store, or a call, has.
    private(set) var outstandingCount = 0

    /// Of the snapshot that it was made for.
    let generation: UInt64
    private let onRetire: () -> Void

    /// - Parameter onRetire: ends what the store has open.
    init(store: any LimitStore, generation: UInt64, onRetire: @escaping () -> Void = {}) {
        self.store = store
        self.generation = generation
        self.onRetire = onRetire
        store.delegate = self
    }

    /// No snapshot uses it any more, and nothing is outstanding.
    func retire() { onRetire() }

    func makeRequest() -> LimitRequest {
        outstandingCount += 1
        return free.popLast() ?? LimitRequest(keepsValues: store.needsValues)
    }

    func recycle(_ request: LimitRequest) {
        outstandingCount -= 1
        free.append(request)
    }

    func limitStoreChanged(_ trouble: StoreTrouble?) { storeChanged?(trouble) }

    func limitDecided(_ request: LimitRequest) {
        defer { recycle(request) }
        guard !request.isAbandoned, let context = request.context else { return }
        filter?.decided(request, context: context)
    }
}
