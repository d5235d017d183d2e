internal import Glibc

/// A worker's way from a group and a method's bytes to the series they are counted in.
///
/// A found method costs a hash and a comparison; a new one asks `CallMetrics`, under its lock, once per worker. Bounded
/// as `CallMetrics` is: once a group is full its unknown methods go to `other` without asking again, but for one that has
/// come `frequentMin` times, which asks for one of the places that are left for such.
package final class CallTable {
    private let metrics: CallMetrics
    private let seed: UInt64
    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 64
    private var used = 0
    /// By group index.
    private var others: [CallSeries?] = []
    private var isFull: [Bool] = []
    private var candidates = MethodCandidates()

    /// - Parameter seed: unknown to callers, who choose the method's bytes and could otherwise choose collisions.
    package init(_ metrics: CallMetrics, seed: UInt64) {
        self.metrics = metrics
        self.seed = seed
        slots = Self.emptySlots(capacity)
    }

    deinit {
        for index in 0..<capacity { slots[index].method?.deallocate() }
        slots.deallocate()
    }

    /// Takes over what was reserved or found elsewhere meanwhile: for a worker that adopts a snapshot, so that a reserved
    /// method is counted under its name even while every call to it is refused.
    package func adoptKnown() {
        metrics.forEachMethod { group, method, series in
            var method = method
            method.withUTF8 { bytes in
                let bytes = UnsafeRawBufferPointer(bytes)
                let hash = self.hash(group, bytes)
                if find(group, bytes, hash) == nil { remember(group, bytes, hash, series) }
            }
        }
    }

    /// - Parameters:
    ///   - mayCreate: false where nothing says that the method exists (the answer was UNIMPLEMENTED, or the call was refused
    ///     before it reached anyone), so that invented names do not fill the group.
    ///   - isKnown: whether a schema has the method; asked where the method has no series yet.
    @inline(__always)
    package func series(
        _ group: CallGroup, method: UnsafeRawBufferPointer, mayCreate: Bool, isKnown: () -> Bool = { false }
    ) -> CallSeries {
        let hash = self.hash(group, method)
        if let known = find(group, method, hash) { return known }
        if isKnown() { return create(group, method, hash, .known) }
        guard mayCreate else { return other(group) }
        if group.index < isFull.count, isFull[group.index] {
            return candidates.isFrequent(hash) ? create(group, method, hash, .frequent) : other(group)
        }
        return create(group, method, hash, .new)
    }

    private struct Slot {
        var hash: UInt64
        var group: Int
        /// `nil` in an empty slot.
        var method: UnsafeMutableRawPointer?
        var methodCount: Int
        var series: CallSeries
    }

    private func find(_ group: CallGroup, _ method: UnsafeRawBufferPointer, _ hash: UInt64) -> CallSeries? {
        var index = Int(truncatingIfNeeded: hash) & (capacity - 1)
        while let known = slots[index].method {
            if slots[index].hash == hash, slots[index].group == group.index, slots[index].methodCount == method.count,
                method.isEmpty || memcmp(known, method.baseAddress!, method.count) == 0
            {
                return slots[index].series
            }
            index = (index + 1) & (capacity - 1)
        }
        return nil
    }

    private func create(
        _ group: CallGroup, _ method: UnsafeRawBufferPointer, _ hash: UInt64, _ standing: CallMetrics.Standing
    ) -> CallSeries {
        let (series, isOther) = metrics.find(group, method: String(decoding: method, as: UTF8.self), standing)
        if isOther {
            while isFull.count <= group.index { isFull.append(false) }
            isFull[group.index] = true
            return series
        }
        remember(group, method, hash, series)
        return series
    }

    private func remember(
        _ group: CallGroup, _ method: UnsafeRawBufferPointer, _ hash: UInt64, _ series: CallSeries
    ) {
        if (used + 1) * 2 > capacity { grow() }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, method.count), alignment: 1)
        if let source = method.baseAddress { copy.copyMemory(from: source, byteCount: method.count) }
        insert(Slot(hash: hash, group: group.index, method: copy, methodCount: method.count, series: series))
        used += 1
    }

    private func other(_ group: CallGroup) -> CallSeries {
        if group.index < others.count, let known = others[group.index] { return known }
        let series = metrics.other(group)
        while others.count <= group.index { others.append(nil) }
        others[group.index] = series
        return series
    }

    private func insert(_ slot: Slot) {
        var index = Int(truncatingIfNeeded: slot.hash) & (capacity - 1)
        while slots[index].method != nil { index = (index + 1) & (capacity - 1) }
        slots[index] = slot
    }

    private func grow() {
        let (old, oldCapacity) = (slots, capacity)
        capacity *= 2
        slots = Self.emptySlots(capacity)
        for index in 0..<oldCapacity where old[index].method != nil { insert(old[index]) }
        old.deallocate()
    }

    private static func emptySlots(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        let nowhere = CallSeries(statuses: CounterRow(cell: 0, count: 1), durations: Histogram(cell: 0))
        slots.initialize(
            repeating: Slot(hash: 0, group: -1, method: nil, methodCount: 0, series: nowhere), count: capacity)
        return slots
    }

    /// Folded multiplication over eight bytes at a time, seeded.
    private func hash(_ group: CallGroup, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ (UInt64(truncatingIfNeeded: group.index) &* 0x9E37_79B9_7F4A_7C15)
        func mix(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
            state = product.high ^ product.low
        }
        var offset = 0
        while bytes.count - offset >= 8 {
            mix(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < bytes.count {
            tail = tail << 8 | UInt64(bytes[offset])
            offset += 1
        }
        mix(tail)
        mix(UInt64(truncatingIfNeeded: bytes.count) ^ seed)
        return state
    }
}
