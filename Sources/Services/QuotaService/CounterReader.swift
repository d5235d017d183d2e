package import RateLimit
package import Reactor
internal import Time

/// Asks a store what counters hold, on the control loop: nothing is charged, and no call waits for it.
package final class CounterReader: LimitDelegate {
    private let store: any LimitStore
    private let counters: CounterRegistry
    private let loop: EventLoop
    private var waiting: [UInt64: (LimitVerdict?) -> Void] = [:]
    private var lastTag: UInt64 = 0
    private var probing: RepeatingTimer?

    /// - Parameter store: its own, which decides nothing by itself where it cannot ask.
    package init(_ store: any LimitStore, counters: CounterRegistry, on loop: EventLoop) {
        self.store = store
        self.counters = counters
        self.loop = loop
        store.delegate = self
        probing = RepeatingTimer(every: StoreHealth.probeInterval, on: loop) { [unowned self] in
            if !store.probe(now: loop.now) { probing?.stop() }
        }
    }

    /// - Parameter completion: called once, perhaps before this returns; `nil` where the store does not answer.
    func read(_ counter: CounterName, completion: @escaping (LimitVerdict?) -> Void) {
        let request = LimitRequest(keepsValues: store.needsValues)
        counter.fill(request)
        // It does not keep its limits.
        request.substitutes = counter.limit
        lastTag += 1
        request.tag = lastTag
        waiting[lastTag] = completion
        var answer = LimitAnswer.pending
        counters.whileInside { answer = store.decide(request, now: loop.now, wall: loop.wall) }
        if case .decided = answer { limitDecided(request) }
    }

    package func limitDecided(_ request: LimitRequest) {
        let verdict = request.outcome.decision == .unavailable || request.outcome.source == .none ? nil : request.verdict(at: 0)
        waiting.removeValue(forKey: request.tag)?(verdict)
    }

    package func limitStoreLeased() {}

    package func limitStoreChanged(_ trouble: StoreTrouble?) { if trouble != nil { probing?.start() } }
}
