package import Time

/// Counts in the process's own memory, each limit in its own table; answers at once.
package final class MemoryStore: LimitStore {
    package unowned(unsafe) var delegate: (any LimitDelegate)?

    private let holds = LimitHoldPool()

    package init() {}

    package var needsValues: Bool { false }

    package func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer {
        .decided(judge(request, now: now, wall: wall, source: .memory))
    }

    /// The counters begin anew.
    package func forget(_ request: LimitRequest) {
        for index in 0..<request.count {
            let slot = request.slots + index
            slot.pointee.limit._withUnsafeGuaranteedRef { limit in
                limit.tableReference._withUnsafeGuaranteedRef { $0.forget(limit, slot.pointee.digest) }
            }
        }
    }

    /// `decide` without the detour, and with the source that the outcome shall name.
    @discardableResult
    package func judge(
        _ request: LimitRequest, now: Instant, wall: WallTime, source: LimitOutcome.Source
    ) -> LimitOutcome {
        precondition(request.isComplete, "a limit without all its keys' values")
        if request.charging == .always { return chargeAll(request, now: now, wall: wall, source: source) }
        let isAdmitted = chargeEnforced(request, now: now, wall: wall)
        for index in 0..<request.count {
            let slot = request.slots + index
            slot.pointee.limit._withUnsafeGuaranteedRef { limit in
                guard limit.isShadow else { return }
                guard isAdmitted else {
                    slot.pointee.verdict = limit.standing(slot.pointee.digest, hits: slot.pointee.hits, now: now, wall: wall)
                    return
                }
                let charge = limit.charge(slot.pointee.digest, hits: slot.pointee.hits, now: now, wall: wall)
                slot.pointee.verdict = charge.verdict
                slot.pointee.cell = charge.cell
            }
        }
        if isAdmitted, request.countsInFlight { hold(request) }
        return request.conclude(isCharged: isAdmitted, source: source)
    }

    private func chargeAll(
        _ request: LimitRequest, now: Instant, wall: WallTime, source: LimitOutcome.Source
    ) -> LimitOutcome {
        for index in 0..<request.count {
            let slot = request.slots + index
            let step = slot.pointee.limit._withUnsafeGuaranteedRef { limit in
                limit.tableReference._withUnsafeGuaranteedRef {
                    $0.chargeAlways(limit, slot.pointee.digest, hits: slot.pointee.hits, now: now, wall: wall)
                }
            }
            slot.pointee.verdict = step.verdict
            slot.pointee.charged = step.word
        }
        return request.conclude(isCharged: true, source: source)
    }

    /// Keeps what is to be released at the end of the call.
    private func hold(_ request: LimitRequest) {
        for index in 0..<request.count {
            let slot = request.slots + index
            slot.pointee.limit._withUnsafeGuaranteedRef { limit in
                guard limit.algorithm == .concurrency, slot.pointee.cell != 0 else { return }
                request.add(holds.take(.cell(limit.tableReference, slot.pointee.cell), hits: slot.pointee.hits))
            }
        }
    }

    /// All or none. Asks all before charging any, so that a call that will be refused does not take from others even for
    /// a moment; a charge is given back only if another worker was quicker in between.
    private func chargeEnforced(_ request: LimitRequest, now: Instant, wall: WallTime) -> Bool {
        var enforced = 0
        for index in 0..<request.count where !isShadow(request, index) { enforced += 1 }
        if enforced > 1, let refused = firstRefused(request, now: now, wall: wall) {
            restate(request, except: refused, now: now, wall: wall)
            return false
        }
        for index in 0..<request.count where !isShadow(request, index) {
            let slot = request.slots + index
            let charge = slot.pointee.limit._withUnsafeGuaranteedRef {
                $0.charge(slot.pointee.digest, hits: slot.pointee.hits, now: now, wall: wall)
            }
            slot.pointee.verdict = charge.verdict
            slot.pointee.cell = charge.cell
            slot.pointee.charged = charge.word
            guard charge.verdict.isAllowed else {
                giveBack(request, before: index)
                restate(request, except: index, now: now, wall: wall)
                return false
            }
        }
        return true
    }

    private func isShadow(_ request: LimitRequest, _ index: Int) -> Bool {
        request.slots[index].limit._withUnsafeGuaranteedRef { $0.isShadow }
    }

    /// The first enforced limit without room for the call; its verdict says so, whatever other workers do meanwhile.
    private func firstRefused(_ request: LimitRequest, now: Instant, wall: WallTime) -> Int? {
        for index in 0..<request.count where !isShadow(request, index) {
            let slot = request.slots + index
            let verdict = slot.pointee.limit._withUnsafeGuaranteedRef {
                $0.ask(slot.pointee.digest, hits: slot.pointee.hits, now: now, wall: wall)
            }
            guard verdict.isAllowed else {
                slot.pointee.verdict = verdict
                return index
            }
        }
        return nil
    }

    /// Makes the verdicts of a refused call say how things stand without it; the one at `refused` has its own.
    private func restate(_ request: LimitRequest, except refused: Int, now: Instant, wall: WallTime) {
        for index in 0..<request.count where !isShadow(request, index) && index != refused {
            let slot = request.slots + index
            slot.pointee.verdict = slot.pointee.limit._withUnsafeGuaranteedRef {
                $0.standing(slot.pointee.digest, hits: slot.pointee.hits, now: now, wall: wall)
            }
        }
    }

    private func giveBack(_ request: LimitRequest, before refused: Int) {
        for index in 0..<refused where !isShadow(request, index) {
            let slot = request.slots + index
            let charge = CounterTable.Charge(
                verdict: slot.pointee.verdict, cell: slot.pointee.cell, word: slot.pointee.charged)
            slot.pointee.limit._withUnsafeGuaranteedRef {
                $0.giveBack(charge, hits: slot.pointee.hits)
            }
        }
    }
}

extension Limit {
    fileprivate func ask(_ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> LimitVerdict {
        tableReference._withUnsafeGuaranteedRef { $0.ask(self, digest, hits: hits, now: now, wall: wall) }
    }

    fileprivate func standing(_ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> LimitVerdict {
        tableReference._withUnsafeGuaranteedRef { $0.standing(self, digest, hits: hits, now: now, wall: wall) }
    }

    fileprivate func charge(
        _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime
    ) -> CounterTable.Charge {
        tableReference._withUnsafeGuaranteedRef { $0.charge(self, digest, hits: hits, now: now, wall: wall) }
    }

    fileprivate func giveBack(_ charge: CounterTable.Charge, hits: UInt64) {
        tableReference._withUnsafeGuaranteedRef { $0.giveBack(charge, self, hits: hits) }
    }
}
