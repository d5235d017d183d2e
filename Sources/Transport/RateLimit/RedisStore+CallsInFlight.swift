internal import Redis

extension RedisStore {
    func beginHolding(_ request: LimitRequest, _ decision: RedisDecision) {
        guard request.charging == .allOrNone else { return }
        for index in 0..<request.count {
            let isOfCallsInFlight = request.slots[index].limit._withUnsafeGuaranteedRef { $0.algorithm == .concurrency }
            guard isOfCallsInFlight else { continue }
            decision.counters[index].held = holds.counter(request.slots[index].digest.heldIdentity) {
                RedisKey.write(request, index, prefix: prefix, to: &$0)
            }
        }
    }

    /// A group has answered that it is charged: so are its counters of calls in flight, but for shadow limits that are used up.
    func recordCharged(_ request: LimitRequest, _ decision: RedisDecision, _ group: Int) {
        for index in decision.counters.indices where decision.counters[index].group == group {
            guard let held = decision.counters[index].held else { continue }
            let hits = request.slots[index].hits
            guard !request.isAbandoned else {
                // Its limits may be gone.
                decision.counters[index].isCharged = false
                holds.doubt(held)
                continue
            }
            let isCharged = request.slots[index].limit._withUnsafeGuaranteedRef { limit in
                hits > 0
                    && (!limit.isShadow
                        || decision.counters[index].found?.verdict(limit, hits: hits, isCharged: true).isAllowed == true)
            }
            if isCharged { holds.charged(held, hits) } else { decision.counters[index].isCharged = false }
        }
    }

    /// What the call holds until its end where it is admitted; else that is released, and looked for where there was no answer.
    ///
    /// - Parameter isOver: the call does not ask again.
    func settle(_ request: LimitRequest, isAdmitted: Bool, isOver: Bool = true) {
        guard request.countsInFlight, let decision = request.redis else { return }
        for index in decision.counters.indices {
            guard let held = decision.counters[index].held else { continue }
            let hits = request.slots[index].hits
            if decision.counters[index].isAsked {
                holds.doubt(held)
            } else if decision.counters[index].isCharged {
                if isAdmitted { request.add(pool.take(.counter(held, holds), hits: hits)) } else { holds.release(held, hits) }
            }
            guard isOver else { continue }
            decision.counters[index].held = nil
            holds.settled(held)
        }
    }
}

extension CounterDigest {
    fileprivate var heldIdentity: HeldCounter.Identity { HeldCounter.Identity(low: low, high: high) }
}
