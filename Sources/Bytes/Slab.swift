/// Fixed-size records of plain memory: the last freed is the first reused, and nothing is returned before the end, unless
/// its owner calls `release`.
///
/// For state that C callbacks and tables point at. Owned by one thread. Inlinable as a whole: it crosses modules on the
/// hot path, and must be specialised there.
@usableFromInline package final class Slab<Record> {
    /// A stack of the free records.
    @usableFromInline var free: UnsafeMutablePointer<UnsafeMutablePointer<Record>>
    @usableFromInline var freeCount = 0
    @usableFromInline package internal(set) var capacity = 0
    @usableFromInline var blocks: [UnsafeMutablePointer<Record>] = []
    @usableFromInline let recordsPerBlock: Int
    @usableFromInline let prepare: (UnsafeMutablePointer<Record>) -> Void
    @usableFromInline let dispose: (UnsafeMutablePointer<Record>) -> Void

    /// - Parameters:
    ///   - prepare: initializes a record's memory, once, when its block is made.
    ///   - dispose: releases what `prepare` made, when the slab ends.
    @inlinable package init(
        recordsPerBlock: Int = 16,
        prepare: @escaping (UnsafeMutablePointer<Record>) -> Void,
        dispose: @escaping (UnsafeMutablePointer<Record>) -> Void
    ) {
        self.recordsPerBlock = recordsPerBlock
        self.prepare = prepare
        self.dispose = dispose
        free = .allocate(capacity: 0)
    }

    @inlinable deinit {
        for block in blocks {
            for index in 0..<recordsPerBlock { dispose(block + index) }
            block.deallocate()
        }
        free.deallocate()
    }

    /// Records in use.
    @inlinable package var liveCount: Int { capacity - freeCount }

    @inlinable package func take() -> UnsafeMutablePointer<Record> {
        if freeCount == 0 { grow() }
        freeCount -= 1
        return free[freeCount]
    }

    @inlinable package func give(_ record: UnsafeMutablePointer<Record>) {
        free[freeCount] = record
        freeCount += 1
    }

    /// Free ones too.
    @inlinable package func forEachRecord(_ body: (UnsafeMutablePointer<Record>) -> Void) {
        for block in blocks {
            for index in 0..<recordsPerBlock { body(block + index) }
        }
    }

    /// Frees the blocks all of whose records are free, as long as `stock` free records stay. Only for records that nothing points at
    /// once they are free, and for quiet moments, because it sorts what is free.
    @inlinable @inline(never) package func release(keeping stock: Int) {
        guard freeCount > stock else { return }
        var addresses = UnsafeMutableBufferPointer(start: free, count: freeCount)
        addresses.sort { UInt(bitPattern: $0) < UInt(bitPattern: $1) }
        blocks.sort { UInt(bitPattern: $0) < UInt(bitPattern: $1) }
        var kept: [UnsafeMutablePointer<Record>] = []
        var (read, write) = (0, 0)
        for block in blocks {
            let first = read
            while read < freeCount, addresses[read] < block + recordsPerBlock { read += 1 }
            let isUnused = read - first == recordsPerBlock
            if isUnused, write + freeCount - read >= stock {
                for index in 0..<recordsPerBlock { dispose(block + index) }
                block.deallocate()
                continue
            }
            kept.append(block)
            for index in first..<read {
                addresses[write] = addresses[index]
                write += 1
            }
        }
        blocks = kept
        capacity = blocks.count * recordsPerBlock
        freeCount = write
        let smaller = UnsafeMutablePointer<UnsafeMutablePointer<Record>>.allocate(capacity: capacity)
        smaller.update(from: free, count: freeCount)
        free.deallocate()
        free = smaller
    }

    @inlinable @inline(never) func grow() {
        let block = UnsafeMutablePointer<Record>.allocate(capacity: recordsPerBlock)
        blocks.append(block)
        capacity += recordsPerBlock
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<Record>>.allocate(capacity: capacity)
        // None is free now: only the new block goes on the stack, its first record on top.
        for index in 0..<recordsPerBlock {
            prepare(block + index)
            larger[recordsPerBlock - 1 - index] = block + index
        }
        free.deallocate()
        free = larger
        freeCount = recordsPerBlock
    }
}
