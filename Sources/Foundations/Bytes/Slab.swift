/// Fixed-size records of plain memory: the last freed is the first reused, and nothing is returned before the end, unless
/// its owner calls `trim`.
///
/// For state that C callbacks and tables point at. Owned by one thread. Inlinable as a whole: it crosses modules on the
/// hot path, and must be specialised there.
@usableFromInline package final class Slab<Value> {
    /// A stack of the free records.
    @usableFromInline var free: UnsafeMutablePointer<UnsafeMutablePointer<Value>>
    @usableFromInline var freeCount = 0
    @usableFromInline package internal(set) var capacity = 0
    @usableFromInline var blocks: [UnsafeMutablePointer<Value>] = []
    @usableFromInline let recordsPerBlock: Int
    @usableFromInline let makeValue: (Record<Value>) -> Value
    @usableFromInline let dispose: (Record<Value>) -> Void

    /// - Parameters:
    ///   - makeValue: the value that a record has at first, made once, with its block. The record has no value yet.
    ///   - dispose: releases what `makeValue` made and a value does not release itself, when the slab ends.
    @inlinable package init(
        recordsPerBlock: Int = 16,
        makeValue: @escaping (Record<Value>) -> Value,
        dispose: @escaping (Record<Value>) -> Void = { _ in }
    ) {
        self.recordsPerBlock = recordsPerBlock
        self.makeValue = makeValue
        self.dispose = dispose
        free = .allocate(capacity: 0)
    }

    @inlinable deinit {
        for block in blocks {
            end(block)
        }
        free.deallocate()
    }

    /// Records in use.
    @inlinable package var liveCount: Int { capacity - freeCount }

    @inlinable package func acquire() -> Record<Value> {
        if freeCount == 0 { grow() }
        freeCount -= 1
        return Record(free[freeCount])
    }

    @inlinable package func release(_ record: Record<Value>) {
        precondition(freeCount < capacity, "a record is released twice")
        free[freeCount] = record.address
        freeCount += 1
    }

    /// Free ones too.
    @inlinable package func forEachRecord(_ body: (Record<Value>) -> Void) {
        for block in blocks {
            for index in 0..<recordsPerBlock { body(Record(block + index)) }
        }
    }

    /// Frees the blocks all of whose records are free, as long as `stock` free records stay. Only for records that nothing points at
    /// once they are free, and for quiet moments, because it sorts what is free.
    @inlinable @inline(never) package func trim(keeping stock: Int) {
        guard freeCount > stock else { return }
        var addresses = UnsafeMutableBufferPointer(start: free, count: freeCount)
        addresses.sort { UInt(bitPattern: $0) < UInt(bitPattern: $1) }
        blocks.sort { UInt(bitPattern: $0) < UInt(bitPattern: $1) }
        var kept: [UnsafeMutablePointer<Value>] = []
        var (read, write) = (0, 0)
        for block in blocks {
            let first = read
            while read < freeCount, addresses[read] < block + recordsPerBlock { read += 1 }
            let isUnused = read - first == recordsPerBlock
            if isUnused, write + freeCount - read >= stock {
                end(block)
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
        let smaller = UnsafeMutablePointer<UnsafeMutablePointer<Value>>.allocate(capacity: capacity)
        smaller.update(from: free, count: freeCount)
        free.deallocate()
        free = smaller
    }

    @inlinable func end(_ block: UnsafeMutablePointer<Value>) {
        for index in 0..<recordsPerBlock { dispose(Record(block + index)) }
        block.deinitialize(count: recordsPerBlock)
        block.deallocate()
    }

    @inlinable @inline(never) func grow() {
        let block = UnsafeMutablePointer<Value>.allocate(capacity: recordsPerBlock)
        blocks.append(block)
        capacity += recordsPerBlock
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<Value>>.allocate(capacity: capacity)
        // None is free now: only the new block goes on the stack, its first record on top.
        for index in 0..<recordsPerBlock {
            (block + index).initialize(to: makeValue(Record(block + index)))
            larger[recordsPerBlock - 1 - index] = block + index
        }
        free.deallocate()
        free = larger
        freeCount = recordsPerBlock
    }
}
