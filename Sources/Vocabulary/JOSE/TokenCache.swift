internal import Bytes
internal import Crypto
internal import Glibc

/// Tokens that were verified, and what the owner made of them.
///
/// Keyed by the whole token, compared in full. An entry dies when the key sets change (their generation is another), when
/// its time is up, or by second chance when the cache is full: the hand spares once whatever was found since it last
/// passed. Owned by one worker; finding allocates nothing.
package final class TokenCache {
    package struct Limits: Sendable {
        package var entriesMax: Int
        /// Over tokens, what they are counted for, and the entries themselves.
        package var bytesMax: Int

        package init(entriesMax: Int, bytesMax: Int) {
            precondition(entriesMax > 0 && entriesMax <= 1 << 24 && bytesMax > 0)
            self.entriesMax = entriesMax
            self.bytesMax = bytesMax
        }

        package static let defaults = Limits(entriesMax: 10_000, bytesMax: 32 << 20)
    }

    private let limits: Limits
    private let hash: SeededHash
    private let bucketMask: UInt64
    /// The first entry of each chain.
    private let buckets: UnsafeMutablePointer<Int32>
    private let entries: UnsafeMutablePointer<Entry>
    /// Entries from here on were never used.
    private var fresh = 0
    private var firstFree = Entry.none
    private var hand = 0

    package private(set) var count = 0
    package private(set) var byteCount = 0
    package private(set) var hits: UInt64 = 0
    package private(set) var misses: UInt64 = 0
    /// Entries that had to go for others.
    package private(set) var evictions: UInt64 = 0

    private struct Entry {
        static let none: Int32 = -1

        var hash: UInt64
        /// Owned; `nil` where the entry is free.
        var token: UnsafeMutableRawPointer?
        var tokenCount: Int
        var weight: Int
        var generation: UInt64
        var validUntilSeconds: Int64
        /// Retained.
        var value: Unmanaged<AnyObject>
        /// The next of the chain, or of the free list.
        var next: Int32
        var wasFound: Bool
    }

    package convenience init(limits: Limits = .defaults) {
        let secrets = (RandomBytes.uint64(), RandomBytes.uint64(), RandomBytes.uint64(), RandomBytes.uint64())
        self.init(limits: limits, hash: SeededHash(secrets: secrets))
    }

    init(limits: Limits, hash: SeededHash) {
        self.limits = limits
        self.hash = hash
        var bucketCount = 16
        while bucketCount < limits.entriesMax { bucketCount *= 2 }
        bucketMask = UInt64(bucketCount - 1)
        buckets = .allocate(capacity: bucketCount)
        buckets.initialize(repeating: Entry.none, count: bucketCount)
        // Untouched until used, so an idle worker's cache costs address space only.
        entries = .allocate(capacity: limits.entriesMax)
    }

    deinit {
        removeAll()
        buckets.deallocate()
        entries.deallocate()
    }

    // MARK: finding

    /// What is kept for the token, or `nil`; valid until the next change of the cache, so a user that keeps it retains it.
    package func find(_ token: UnsafeRawBufferPointer, generation: UInt64, nowSeconds: Int64) -> AnyObject? {
        find(token, hash: hash.hash(token), generation: generation, nowSeconds: nowSeconds)
    }

    func find(
        _ token: UnsafeRawBufferPointer, hash: UInt64, generation: UInt64, nowSeconds: Int64
    ) -> AnyObject? {
        let index = lookUp(token, hash)
        guard index != Entry.none else {
            misses += 1
            return nil
        }
        let entry = entries + Int(index)
        guard entry.pointee.generation == generation, nowSeconds < entry.pointee.validUntilSeconds else {
            misses += 1
            remove(index)
            return nil
        }
        hits += 1
        entry.pointee.wasFound = true
        return entry.pointee.value.takeUnretainedValue()
    }

    private func lookUp(_ token: UnsafeRawBufferPointer, _ hash: UInt64) -> Int32 {
        guard let wanted = token.baseAddress else { return Entry.none }
        var index = buckets[Int(hash & bucketMask)]
        while index != Entry.none {
            let entry = entries + Int(index)
            if entry.pointee.hash == hash, entry.pointee.tokenCount == token.count,
                let kept = entry.pointee.token, memcmp(kept, wanted, token.count) == 0
            {
                return index
            }
            index = entry.pointee.next
        }
        return Entry.none
    }

    // MARK: keeping

    /// Keeps `value` for the token, in place of what was kept for it.
    ///
    /// - Parameter valueBytes: about how much memory the value keeps. What does not fit into the cache at all is not kept.
    package func insert(
        _ token: UnsafeRawBufferPointer, value: AnyObject, valueBytes: Int, generation: UInt64,
        validUntilSeconds: Int64
    ) {
        insert(
            token, hash: hash.hash(token), value: value, valueBytes: valueBytes, generation: generation,
            validUntilSeconds: validUntilSeconds)
    }

    func insert(
        _ token: UnsafeRawBufferPointer, hash: UInt64, value: AnyObject, valueBytes: Int, generation: UInt64,
        validUntilSeconds: Int64
    ) {
        let weight = token.count + valueBytes + MemoryLayout<Entry>.stride
        guard token.count > 0, weight <= limits.bytesMax else { return }
        let existing = lookUp(token, hash)
        if existing != Entry.none { remove(existing) }
        while count == limits.entriesMax || byteCount + weight > limits.bytesMax { evictOne() }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: token.count, alignment: 1)
        copy.copyMemory(from: token.baseAddress!, byteCount: token.count)
        let index = takeEntry()
        let bucket = Int(hash & bucketMask)
        (entries + Int(index)).initialize(
            to: Entry(
                hash: hash, token: copy, tokenCount: token.count, weight: weight, generation: generation,
                validUntilSeconds: validUntilSeconds, value: Unmanaged.passRetained(value), next: buckets[bucket],
                wasFound: false))
        buckets[bucket] = index
        count += 1
        byteCount += weight
    }

    private func takeEntry() -> Int32 {
        if firstFree != Entry.none {
            let index = firstFree
            firstFree = entries[Int(index)].next
            return index
        }
        defer { fresh += 1 }
        return Int32(fresh)
    }

    // MARK: letting go

    package func removeAll() {
        for index in 0..<fresh where entries[index].token != nil { remove(Int32(index)) }
    }

    /// The hand goes round over the entries; it stops at the first that was not found since it last came by. At least
    /// one entry is there.
    private func evictOne() {
        while true {
            if hand >= fresh { hand = 0 }
            let entry = entries + hand
            hand += 1
            if entry.pointee.token == nil { continue }
            if entry.pointee.wasFound {
                entry.pointee.wasFound = false
                continue
            }
            evictions += 1
            return remove(Int32(hand - 1))
        }
    }

    private func remove(_ index: Int32) {
        let entry = entries + Int(index)
        let bucket = Int(entry.pointee.hash & bucketMask)
        if buckets[bucket] == index {
            buckets[bucket] = entry.pointee.next
        } else {
            var before = entries + Int(buckets[bucket])
            while before.pointee.next != index { before = entries + Int(before.pointee.next) }
            before.pointee.next = entry.pointee.next
        }
        entry.pointee.token?.deallocate()
        entry.pointee.token = nil
        entry.pointee.next = firstFree
        firstFree = index
        count -= 1
        byteCount -= entry.pointee.weight
        // Last, because what this sets free may run code.
        entry.pointee.value.release()
    }
}
