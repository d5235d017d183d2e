internal import Bytes
internal import Glibc
internal import Time

/// One call's limits on their way through a store, each with its counter and its hits.
///
/// Filled by the caller, decided by the store, read by the caller; then `reset` for the next call, so that a worker needs
/// as many as it has calls waiting for an answer. Nothing is allocated between two calls.
///
///     request.reset(issuer: token.issuer)
///     request.begin(limit)
///     request.add(key: tenant)            once per key of the limit, in its order
///     store.decide(request, …)
///
/// Owned by one worker. Limits are not retained: the snapshot they belong to must outlive the answer, unless the request
/// is abandoned, after which no limit is looked at any more.
package final class LimitRequest {
    /// By when the store is to decide, where it waits for one elsewhere.
    var deadline = Instant.distantFuture
    /// When a store elsewhere was asked.
    var asked = Instant(nanoseconds: 0)
    /// What Redis has answered so far; made by the first store that needs it.
    var redis: RedisDecision?
    /// The gateway's time when the decision was asked for: windows of the calendar are computed from it.
    var wall = WallTime(nanoseconds: 0)
    /// Of a call through the gateway.
    package static let limitsMax = 16
    /// A store's answers name one of so many groups of limits.
    static let groupsMax = 128

    package enum Charging {
        /// All limits that are enforced, or none of them.
        case allOrNone
        /// Every limit, each for itself and whatever its level: its verdict says whether the hits fitted. What is beyond the limit stands
        /// as debt, up to `CounterState.levelMax` of a rate and `CounterState.hitsMax` of a window.
        case always
    }

    struct Slot {
        var limit: Unmanaged<Limit>
        var hits: UInt64
        /// `hits`, while these stand for those of other processes too.
        var single: UInt64 = 0
        var digest: CounterDigest
        var hasher: CounterHasher
        var keysMissing: Int
        /// The values' place in `values`, each as a four-byte length and its bytes.
        var valuesStart: Int
        var valuesEnd: Int
        var verdict: LimitVerdict
        /// Where the memory store charged; 0 for nowhere.
        var cell: UInt32
        /// What the word became by that charge; of a window in any store, where it is charged always.
        var charged: UInt64
        /// What a store elsewhere is known to have counted; of use within one decision.
        var remembered: UnsafeMutablePointer<RememberedCounter>?
    }

    let slots: UnsafeMutablePointer<Slot>
    private let slotsMax: Int
    /// Begins with a reference to this, at a multiple of `groupsMax`: what a store's answers are told by.
    let handle: UnsafeMutableRawPointer
    private static let headerBytes = 16
    package private(set) var count = 0
    package var charging = Charging.allOrNone
    private var values = ByteBuffer(capacity: 512)
    private var issuer = ByteBuffer(capacity: 128)
    /// Hashed when a limit first needs it, and kept while calls come from the same issuer.
    private var issuerDigest: CounterDigest?
    private let keepsValues: Bool
    /// One of its limits counts calls in flight.
    private(set) var countsInFlight = false
    /// What an admitted call holds of such limits.
    private(set) var holds: LimitHold?

    /// For the caller: the call that waits for this, and its generation.
    package var context: UnsafeMutableRawPointer?
    package var tag: UInt64 = 0
    package internal(set) var isAbandoned = false
    /// What its limits belong to, where that may be gone before the store has answered; it is forgotten when the request is taken back.
    package var owner: AnyObject?
    /// Takes the answer in place of the call that `context` tells, and keeps the request; this is forgotten when it is taken back, too.
    package var answered: (() -> Void)?
    package var outcome = LimitOutcome.uncounted(.allowed)
    /// Nothing is decided by it: the caller wants to know how things stand.
    package var isQuestion = false
    /// Owns limits of it that stand in the place of the snapshot's; `nil` for nearly every call.
    package var substitutes: AnyObject?

    /// - Parameters:
    ///   - keepsValues: whether a store sends the values elsewhere; the memory store needs only their digest.
    ///   - limitsMax: how many limits there may be, up to `groupsMax`.
    package init(keepsValues: Bool, limitsMax: Int = LimitRequest.limitsMax) {
        precondition(limitsMax <= Self.groupsMax)
        self.keepsValues = keepsValues
        slotsMax = limitsMax
        handle = UnsafeMutableRawPointer.allocate(
            byteCount: Self.headerBytes + limitsMax * MemoryLayout<Slot>.stride, alignment: Self.groupsMax)
        slots = (handle + Self.headerBytes).bindMemory(to: Slot.self, capacity: limitsMax)
        handle.storeBytes(of: Unmanaged.passUnretained(self), as: Unmanaged<LimitRequest>.self)
    }

    deinit { handle.deallocate() }

    /// Forgets the last call. `issuer` is the `iss` of the caller's token, empty for an anonymous caller.
    package func reset(
        issuer name: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), charging: Charging = .allOrNone
    ) {
        count = 0
        self.charging = charging
        values.removeAll()
        if !isIssuer(name) {
            issuer.removeAll()
            issuer.append(name)
            issuerDigest = nil
        }
        context = nil
        tag = 0
        isAbandoned = false
        countsInFlight = false
        outcome = .uncounted(.allowed)
        isQuestion = false
        if substitutes != nil { substitutes = nil }
    }

    private func isIssuer(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count == issuer.count, let one = name.baseAddress, let other = issuer.readable.baseAddress else {
            return name.isEmpty && issuer.isEmpty
        }
        return memcmp(one, other, name.count) == 0
    }

    /// Puts `limit` at the end of the list; its keys' values follow. A call has no more limits than the request was made for, which the
    /// snapshot's builder sees to.
    package func begin(_ limit: Limit, hits: UInt64 = 1) {
        precondition(count < slotsMax, "more limits than a request has room for")
        var hasher = limit.hasher
        if limit.needsIssuer {
            let digest = issuerDigest ?? limit.digest(issuer: issuer.readable)
            issuerDigest = digest
            hasher.absorb(word: digest.low)
            hasher.absorb(word: digest.high)
        }
        let slot = Slot(
            limit: .passUnretained(limit), hits: hits, digest: CounterDigest(low: 0, high: 0), hasher: hasher,
            keysMissing: limit.keyCount, valuesStart: values.count, valuesEnd: values.count,
            verdict: LimitVerdict(
                isAllowed: true, limit: 0, remaining: 0, retryAfterNanoseconds: 0, resetAfterNanoseconds: 0),
            cell: 0, charged: 0, remembered: nil)
        (slots + count).initialize(to: slot)
        if limit.algorithm == .concurrency { countsInFlight = true }
        if limit.keyCount == 0 { slots[count].digest = slots[count].hasher.finish() }
        count += 1
    }

    /// The value of the last limit's next key, as it is on the wire. The bytes are not needed after the call.
    package func add(key value: UnsafeRawBufferPointer) {
        let slot = slots + (count - 1)
        precondition(slot.pointee.keysMissing > 0, "more keys than the limit has")
        slot.pointee.hasher.absorb(value)
        slot.pointee.keysMissing -= 1
        if keepsValues {
            withUnsafeBytes(of: UInt32(value.count)) { values.append($0) }
            values.append(value)
            slot.pointee.valuesEnd = values.count
        }
        if slot.pointee.keysMissing == 0 { slot.pointee.digest = slot.pointee.hasher.finish() }
    }

    /// Borrowed: the snapshot owns it.
    package func limit(at index: Int) -> Limit {
        precondition(index >= 0 && index < count)
        return slots[index].limit._withUnsafeGuaranteedRef { $0 }
    }

    /// Of a limit per tenant, what usage is summed by; `nil` for another, and for one of calls in flight or in shadow mode.
    @inline(__always)
    package func usage(at index: Int) -> (counter: CounterDigest, hits: UInt64)? {
        let slot = slots + index
        let counts = slot.pointee.limit._withUnsafeGuaranteedRef { $0.countsUsage }
        return counts ? (slot.pointee.digest, slot.pointee.hits) : nil
    }

    package func counter(at index: Int) -> CounterDigest {
        precondition(index >= 0 && index < count)
        return slots[index].digest
    }

    package func hits(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return slots[index].hits
    }

    /// Of meaning once the store has answered with a source other than `.none`.
    package func verdict(at index: Int) -> LimitVerdict {
        precondition(index >= 0 && index < count)
        return slots[index].verdict
    }

    package func setHits(_ hits: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        slots[index].hits = hits
    }

    /// What the window of a limit that is charged always holds after the charge.
    package func hitsAfter(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return CounterState.hits(slots[index].charged)
    }

    /// For a store outside this module that has its own verdicts; follow with `conclude`.
    package func setVerdict(_ verdict: LimitVerdict, at index: Int) {
        precondition(index >= 0 && index < count)
        slots[index].verdict = verdict
    }

    /// The `key`th value of the limit at `index`, valid until the request changes. Only if the request keeps values.
    package func value(at index: Int, key: Int) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < count)
        var offset = slots[index].valuesStart
        let bytes = values.readable
        for _ in 0..<key { offset += 4 + Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        precondition(offset < slots[index].valuesEnd, "no such key")
        let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        return UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + 4 + length])
    }

    /// The values of the limit at `index` one after the other, as `value` each, beginning at a `place` of zero.
    func value(at index: Int, from place: inout Int) -> UnsafeRawBufferPointer {
        let bytes = values.readable
        let offset = slots[index].valuesStart + place
        precondition(index < count && offset < slots[index].valuesEnd, "no such key")
        let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        place += 4 + length
        return UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + 4 + length])
    }

    // MARK: Calls in flight

    func add(_ hold: LimitHold) {
        hold.next = holds
        holds = hold
    }

    /// What the call holds until its end, which is the caller's to release.
    package func takeHolds() -> LimitHold? {
        guard let taken = holds else { return nil }
        holds = nil
        return taken
    }

    /// Valid until the request changes.
    package var issuerBytes: UnsafeRawBufferPointer { issuer.readable }

    var isComplete: Bool {
        for index in 0..<count where slots[index].keysMissing != 0 { return false }
        return true
    }

    /// Sums the verdicts up. `isCharged` says whether the enforced limits were; where they always are, one may have refused even so.
    @discardableResult
    package func conclude(isCharged: Bool, source: LimitOutcome.Source) -> LimitOutcome {
        var outcome = LimitOutcome.uncounted(isCharged ? .allowed : .refused)
        outcome.source = source
        var fewest = UInt64.max
        for index in 0..<count {
            let slot = slots + index
            let isAllowed = slot.pointee.verdict.isAllowed
            if slot.pointee.limit._withUnsafeGuaranteedRef({ $0.isShadow }) {
                if !isAllowed { outcome.shadowRefusals |= 1 << UInt16(index) }
                continue
            }
            if slot.pointee.verdict.remaining < fewest || outcome.tightestIndex < 0 {
                fewest = slot.pointee.verdict.remaining
                outcome.tightestIndex = index
            }
            guard !isAllowed else { continue }
            if charging == .always { outcome.decision = .refused }
            if outcome.refusedIndex < 0 || slot.pointee.verdict.retryAfterNanoseconds > outcome.retryAfterNanoseconds {
                outcome.refusedIndex = index
                outcome.retryAfterNanoseconds = slot.pointee.verdict.retryAfterNanoseconds
            }
        }
        self.outcome = outcome
        return outcome
    }
}
