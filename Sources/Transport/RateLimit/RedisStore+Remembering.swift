internal import Bytes
internal import Redis
internal import Time

/// What a worker remembers of counters, in its store's hands.
extension RedisStore {
    /// Keeps what was heard of the counters, and leases hits of those that are asked about often.
    func remember(_ request: LimitRequest, _ decision: RedisDecision, isCharged: Bool) {
        guard remembers else { return }
        // Of several refusals it is not known which would last without leases.
        var refusing = -1
        if !isCharged, decision.isRefusedForGood {
            let all = (0..<request.count).filter {
                !request.slots[$0].verdict.isAllowed && !request.slots[$0].limit._withUnsafeGuaranteedRef { $0.isShadow }
            }
            // Calls in flight may end at any moment.
            let isLasting =
                all.count == 1 && decision.counters[all[0]].leasesEndAfter == nil && decision.counters[all[0]].held == nil
            if isLasting { refusing = all[0] }
        }
        for index in 0..<request.count {
            guard decision.counters[index].held == nil else { continue }
            let isHot = remembered.take(
                decision.counters[index], request, index, isCharged: isCharged && request.slots[index].verdict.isAllowed,
                refuses: index == refusing, generation: sender.generation(of: decision.slots[decision.counters[index].group]),
                now: sender.now)
            // What is charged whatever the level, and a question that charges nothing, would never use a lease.
            if isHot, request.charging == .allOrNone, request.slots[index].hits > 0 { begin(request, index, .lease) }
        }
    }

    // MARK: Without Redis

    /// - Parameter isUntold: Redis has not counted the call, as far as can be known.
    @discardableResult
    func decideWithout(_ request: LimitRequest, isUntold: Bool, now: Instant, wall: WallTime) -> LimitOutcome {
        let outcome = fallback.decide(request, remembered: remembered, gateways: UInt64(max(1, processes())), now: now, wall: wall)
        guard isUntold, outcome.isAllowed || request.charging == .always else { return outcome }
        for index in 0..<request.count
        where outcome.source == .none || request.charging == .always || request.slots[index].verdict.isAllowed {
            if remembered.owe(request, index, now: now, wall: wall) { begin(request, index, .tellLater) }
        }
        return outcome
    }

    // MARK: Leases

    /// Before the question itself, on the same connection.
    func tell(_ request: LimitRequest) {
        guard remembers, let decision = request.redis else { return }
        for index in 0..<request.count {
            let generation = sender.generation(of: decision.slots[decision.counters[index].group])
            if remembered.isUntold(request.slots[index].digest, generation) { begin(request, index, .tell) }
        }
    }

    private func begin(_ request: LimitRequest, _ index: Int, _ purpose: CounterLeases.Purpose) {
        let isFirst = leases.count == 0
        key.removeAll()
        RedisKey.write(request, index, prefix: prefix, to: &key)
        leases.begin(request.limit(at: index), request.slots[index].digest, key: key.readable, purpose)
        if isFirst, leases.count > 0 { delegate?.limitStoreLeased() }
    }

    package func sweepLeases() -> Bool { leases.sweep() }

    package func endLeases() { leases.endAll() }

    package func forget(_ counter: CounterDigest) { remembered.forget(counter) }
}
