internal import Glibc
internal import Time

/// The counters in Redis that a worker has lately asked about: the calls that can be decided without asking again, are.
///
///     digest ──▶ a set of 8 ──▶ the counter with the same 128 bits
///
/// A call is let through where every limit of it has leased hits left, and refused where what is charged alone has refused as many before.
/// Else Redis is asked. Of 65,536 counters; where a set is full, the one that was asked about longest ago makes room, but never one with a lease.
/// Its memory, 11 MiB, is the kernel's to give page by page. Owned by one worker; knows no clock and no connection.
package final class RememberedCounters {
    static let countMax = 65_536
    private static let setSize = 8
    private static let bytes = countMax * MemoryLayout<RememberedCounter>.stride

    /// How long leased hits may be used, and refusals are remembered at most, in nanoseconds; `nil` where Redis is asked about every call.
    let term: UInt64?
    private let counters: UnsafeMutablePointer<RememberedCounter>?
    /// Leases that are running out; taken by the owner.
    var runningOut: [Int32] = []

    init(term: Duration?) {
        self.term = term.map { UInt64(clamping: $0.nanoseconds) }
        counters = ZeroedPages.allocate(Self.bytes)?.bindMemory(to: RememberedCounter.self, capacity: Self.countMax)
        runningOut.reserveCapacity(LimitRequest.limitsMax)
    }

    deinit {
        if let counters { ZeroedPages.free(counters, Self.bytes) }
    }

    func find(_ digest: CounterDigest) -> UnsafeMutablePointer<RememberedCounter>? {
        guard let set = set(of: digest) else { return nil }
        for index in 0..<Self.setSize where set[index].isOf(digest) { return set + index }
        return nil
    }

    private func set(of digest: CounterDigest) -> UnsafeMutablePointer<RememberedCounter>? {
        counters.map { $0 + Int(truncatingIfNeeded: digest.low) & (Self.countMax / Self.setSize - 1) * Self.setSize }
    }

    /// The counter, which may be a new one; `nil` where its whole set has leases.
    func remember(_ digest: CounterDigest) -> UnsafeMutablePointer<RememberedCounter>? {
        if let found = find(digest) { return found }
        guard let set = set(of: digest) else { return nil }
        var oldest: UnsafeMutablePointer<RememberedCounter>?
        for index in 0..<Self.setSize where set[index].lease == 0 && !set[index].isAsking {
            guard let present = oldest else {
                oldest = set + index
                continue
            }
            if set[index].answered < present.pointee.answered { oldest = set + index }
        }
        guard let oldest else { return nil }
        reset(oldest, digest)
        return oldest
    }

    private func reset(_ counter: UnsafeMutablePointer<RememberedCounter>, _ digest: CounterDigest) {
        memset(counter, 0, MemoryLayout<RememberedCounter>.stride)
        counter.pointee.low = digest.low
        counter.pointee.high = digest.high
    }

    /// As if it had never been asked about: the counter was changed from elsewhere.
    func forget(_ digest: CounterDigest) {
        guard let counter = find(digest) else { return }
        let (lease, isAsking) = (counter.pointee.lease, counter.pointee.isAsking)
        reset(counter, digest)
        counter.pointee.lease = lease
        counter.pointee.isAsking = isAsking
    }

    // MARK: Deciding

    /// The decision, where none of the request's counters has to be asked; its verdicts are made then.
    func decide(_ request: LimitRequest, now: Instant) -> LimitOutcome? {
        guard term != nil, request.charging == .allOrNone else { return nil }
        var isLeased = true
        for index in 0..<request.count {
            let slot = request.slots + index
            let found = find(slot.pointee.digest)
            slot.pointee.remembered = found
            guard let found else {
                isLeased = false
                continue
            }
            let (isShadow, capacity, emission) = slot.pointee.limit._withUnsafeGuaranteedRef {
                ($0.isShadow, $0.capacity, $0.emission)
            }
            if !isShadow, found.pointee.isRefusing(slot.pointee.hits, now: now) { return refuse(request, index, now: now) }
            let isOfLimit = found.pointee.leaseCapacity == capacity && found.pointee.leaseEmission == emission
            if !isOfLimit || !found.pointee.hasLeased(slot.pointee.hits, now: now) || isTwice(request, index) { isLeased = false }
        }
        return isLeased ? admit(request, now: now) : nil
    }

    private func isTwice(_ request: LimitRequest, _ index: Int) -> Bool {
        (0..<index).contains { request.slots[$0].digest == request.slots[index].digest }
    }

    private func admit(_ request: LimitRequest, now: Instant) -> LimitOutcome? {
        for index in 0..<request.count {
            guard let verdict = verdict(request, index, isCharged: true, now: now) else { return nil }
            request.slots[index].verdict = verdict
            // What is leased fits, unless the clock has gone wrong; a shadow limit that it does not fit is asked.
            guard verdict.isAllowed else { return nil }
        }
        for index in 0..<request.count {
            guard let counter = request.slots[index].remembered else { continue }
            counter.pointee.use(request.slots[index].hits)
            if counter.pointee.isRunningOut { runningOut.append(counter.pointee.lease) }
        }
        return request.conclude(isCharged: true, source: .redis)
    }

    private func refuse(_ request: LimitRequest, _ refused: Int, now: Instant) -> LimitOutcome? {
        for index in 0..<request.count { request.slots[index].verdict = .unknown }
        guard let verdict = verdict(request, refused, isCharged: false, now: now), !verdict.isAllowed else { return nil }
        request.slots[refused].verdict = verdict
        return request.conclude(isCharged: false, source: .redis)
    }

    private func verdict(_ request: LimitRequest, _ index: Int, isCharged: Bool, now: Instant) -> LimitVerdict? {
        let slot = request.slots + index
        guard let counter = slot.pointee.remembered else { return nil }
        return slot.pointee.limit._withUnsafeGuaranteedRef { limit in
            counter.pointee.counter(of: limit, now: now).verdict(limit, hits: slot.pointee.hits, isCharged: isCharged)
        }
    }

    // MARK: Without Redis

    /// Makes this process's own counters of the request stand as high as those in Redis did when it last answered.
    func raiseTables(of request: LimitRequest, now: Instant, wall: WallTime) {
        for index in 0..<request.count {
            let slot = request.slots + index
            guard let counter = find(slot.pointee.digest), counter.pointee.answered.nanoseconds > 0 else { continue }
            slot.pointee.limit._withUnsafeGuaranteedRef { limit in
                guard limit.algorithm == .rate || counter.pointee.end > wall.nanoseconds / 1_000_000_000 else { return }
                limit.tableReference._withUnsafeGuaranteedRef {
                    $0.raise(
                        limit, slot.pointee.digest, to: counter.pointee.counter(of: limit, now: now, isWhole: true), now: now,
                        wall: wall)
                }
            }
        }
    }

    /// Notes that the hits of the limit at `index` were let through without Redis, which is to be told of them; false where that does not
    /// matter, because a rate has drained by then.
    func owe(_ request: LimitRequest, _ index: Int, now: Instant, wall: WallTime) -> Bool {
        let slot = request.slots + index
        guard slot.pointee.hits > 0 else { return false }
        return slot.pointee.limit._withUnsafeGuaranteedRef { limit in
            guard limit.algorithm == .fixed || limit.algorithm == .sliding, let counter = remember(slot.pointee.digest) else {
                return false
            }
            counter.pointee.owe(slot.pointee.hits, end: limit.schedule.place(at: wall).end, now: now, wall: wall)
            return true
        }
    }

    // MARK: Asking

    /// Whether Redis may not know what we do of the counter.
    func isUntold(_ digest: CounterDigest, _ generation: UInt64) -> Bool {
        guard let counter = find(digest) else { return false }
        return !counter.pointee.isAsking && counter.pointee.isUntold(generation)
    }

    /// What Redis has answered a call about the limit at `index`; true where calls come so often that hits should be leased.
    ///
    /// - Parameters:
    ///   - isCharged: the call's hits were, to this limit.
    ///   - refuses: what is charged alone refuses the call.
    func take(
        _ counter: RedisDecision.Counter, _ request: LimitRequest, _ index: Int, isCharged: Bool, refuses: Bool, generation: UInt64,
        now: Instant
    ) -> Bool {
        let slot = request.slots + index
        guard let found = counter.found, let remembered = remember(slot.pointee.digest) else { return false }
        let hits = slot.pointee.hits
        return slot.pointee.limit._withUnsafeGuaranteedRef { limit in
            remembered.pointee.take(
                found, of: limit, charged: isCharged ? hits : 0, allLeased: counter.allLeased, generation: generation,
                asked: request.asked)
            guard let term else { return false }
            if refuses {
                let verdict = found.verdict(limit, hits: hits, isCharged: false)
                remembered.pointee.refusedHits = max(hits, 1)
                remembered.pointee.refusesUntil = Instant(
                    nanoseconds: request.asked.nanoseconds + min(verdict.retryAfterNanoseconds, term))
            }
            return isCharged && remembered.pointee.isHot(hits: hits, term: term, now: now)
        }
    }
}
