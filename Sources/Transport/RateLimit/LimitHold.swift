internal import Redis

/// What an admitted call holds of one limit on calls in flight; those of several limits are a list. Its call's worker releases it.
package final class LimitHold {
    enum Place {
        case none
        /// In memory. The table is kept by the call's snapshot.
        case cell(Unmanaged<CounterTable>, UInt32)
        case counter(HeldCounter, RedisHolds)
    }

    fileprivate var place = Place.none
    fileprivate var hits: UInt64 = 0
    fileprivate var pool: LimitHoldPool?
    /// Of the same call.
    package var next: LimitHold?

    fileprivate init() {}

    /// The call is over: releases this and what is behind it.
    package func release() {
        var hold = self
        while true {
            let next = hold.next
            hold.releaseOne()
            guard let next else { return }
            hold = next
        }
    }

    private func releaseOne() {
        switch place {
        case .none: break
        case .cell(let table, let cell): table._withUnsafeGuaranteedRef { $0.release(hits, at: cell) }
        case .counter(let counter, let holds): holds.release(counter, hits)
        }
        place = .none
        next = nil
        let pool = pool
        self.pool = nil
        pool?.recycle(self)
    }
}

/// Holds of a worker that are used again.
final class LimitHoldPool {
    private var free: [LimitHold] = []
    private static let keptMax = 1024

    func take(_ place: LimitHold.Place, hits: UInt64) -> LimitHold {
        let hold = free.popLast() ?? LimitHold()
        hold.place = place
        hold.hits = hits
        hold.pool = self
        return hold
    }

    fileprivate func recycle(_ hold: LimitHold) { if free.count < Self.keptMax { free.append(hold) } }
}
