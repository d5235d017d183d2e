internal import Glibc

/// Chunks of two sizes, kept for the next who needs one, up to a bound. One per worker.
package final class ChunkPool {
    fileprivate var smallFree: UnsafeMutablePointer<Chunk>?
    fileprivate var largeFree: UnsafeMutablePointer<Chunk>?
    private var smallFreeCount = 0
    private var largeFreeCount = 0
    /// In chunks taken and not given back; for memory accounting.
    package private(set) var bytesInUse = 0

    fileprivate static let headerBytes = MemoryLayout<Chunk>.stride
    fileprivate static let smallBytes = 1024 - headerBytes
    /// A DATA frame of the usual size fills one: then it can go on without being copied.
    fileprivate static let largeBytes = 16_384
    /// Chunks beyond this many are given back to the allocator: 4 MiB of each size stay.
    private static let smallKept = 4096
    private static let largeKept = 256

    /// In chunks that nobody has.
    var keptBytes: Int {
        smallFreeCount * (Self.headerBytes + Self.smallBytes) + largeFreeCount * (Self.headerBytes + Self.largeBytes)
    }

    package init() {}

    deinit {
        for var list in [smallFree, largeFree] {
            while let chunk = list {
                list = chunk.pointee.next
                free(chunk)
            }
        }
    }

    fileprivate func take(for wanted: Int) -> UnsafeMutablePointer<Chunk> {
        let isLarge = wanted > Self.smallBytes
        let capacity = isLarge ? Self.largeBytes : Self.smallBytes
        let chunk: UnsafeMutablePointer<Chunk>
        if isLarge, let reused = largeFree {
            largeFree = reused.pointee.next
            largeFreeCount -= 1
            chunk = reused
        } else if !isLarge, let reused = smallFree {
            smallFree = reused.pointee.next
            smallFreeCount -= 1
            chunk = reused
        } else {
            chunk = malloc(Self.headerBytes + capacity)!.assumingMemoryBound(to: Chunk.self)
        }
        bytesInUse += capacity
        chunk.initialize(to: Chunk(next: nil, start: 0, end: 0, capacity: Int32(capacity)))
        return chunk
    }

    fileprivate func give(_ chunk: UnsafeMutablePointer<Chunk>) {
        bytesInUse -= Int(chunk.pointee.capacity)
        if Int(chunk.pointee.capacity) == Self.smallBytes {
            guard smallFreeCount < Self.smallKept else { return free(chunk) }
            chunk.pointee.next = smallFree
            smallFree = chunk
            smallFreeCount += 1
        } else {
            guard largeFreeCount < Self.largeKept else { return free(chunk) }
            chunk.pointee.next = largeFree
            largeFree = chunk
            largeFreeCount += 1
        }
    }
}

extension ChunkPool {
    /// A chunk that belongs to no chain any more: whoever has it gives it back, once, to the pool it is from.
    struct Reference {
        fileprivate let chunk: UnsafeMutablePointer<Chunk>

        var count: Int { Int(chunk.pointee.end - chunk.pointee.start) }
        var bytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(
                start: UnsafeMutableRawPointer(chunk) + ChunkPool.headerBytes + Int(chunk.pointee.start), count: count)
        }
    }

    func give(_ reference: Reference) { give(reference.chunk) }
}

private struct Chunk {
    var next: UnsafeMutablePointer<Chunk>?
    var start: Int32
    var end: Int32
    let capacity: Int32
}

/// Bytes in order, in chunks of a pool: what a stream still has to send.
///
/// Plain memory for slab records; `removeAll` before the record is given back.
package struct ByteChain {
    private var first: UnsafeMutablePointer<Chunk>?
    private var last: UnsafeMutablePointer<Chunk>?
    package private(set) var count = 0

    package init() {}

    @inline(__always) package var isEmpty: Bool { count == 0 }

    package mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: ChunkPool) {
        guard var source = bytes.baseAddress else { return }
        var left = bytes.count
        count += left
        while left > 0 {
            if last == nil || last!.pointee.end == last!.pointee.capacity {
                // A second chunk means a body of some size: take a large one.
                let chunk = pool.take(for: last == nil ? left : Int.max)
                if let last { last.pointee.next = chunk } else { first = chunk }
                last = chunk
            }
            let chunk = last!
            let room = Int(chunk.pointee.capacity - chunk.pointee.end)
            let amount = min(room, left)
            memcpy(bytesOf(chunk) + Int(chunk.pointee.end), source, amount)
            chunk.pointee.end += Int32(amount)
            source += amount
            left -= amount
        }
    }

    /// Moves the first `wanted` bytes, which must be there, to the end of `output`.
    package mutating func move(_ wanted: Int, to output: inout ByteBuffer, pool: ChunkPool) {
        precondition(wanted <= count)
        var left = wanted
        count -= wanted
        while left > 0 {
            let chunk = first!
            let available = Int(chunk.pointee.end - chunk.pointee.start)
            let amount = min(available, left)
            output.append(
                UnsafeRawBufferPointer(start: bytesOf(chunk) + Int(chunk.pointee.start), count: amount))
            chunk.pointee.start += Int32(amount)
            left -= amount
            if amount == available {
                first = chunk.pointee.next
                if first == nil { last = nil }
                pool.give(chunk)
            }
        }
    }

    /// In the first chunk.
    var firstCount: Int { first.map { Int($0.pointee.end - $0.pointee.start) } ?? 0 }

    /// Takes the first chunk out, if that many bytes are in it.
    mutating func detachFirst(atLeast least: Int, atMost most: Int) -> ChunkPool.Reference? {
        guard let chunk = first else { return nil }
        let reference = ChunkPool.Reference(chunk: chunk)
        let size = reference.count
        guard size >= least, size <= most else { return nil }
        first = chunk.pointee.next
        if first == nil { last = nil }
        count -= size
        return reference
    }

    /// The bytes in order, in the pieces they lie in.
    package func forEachChunk(_ body: (UnsafeRawBufferPointer) -> Void) {
        var next = first
        while let chunk = next {
            let size = Int(chunk.pointee.end - chunk.pointee.start)
            body(UnsafeRawBufferPointer(start: bytesOf(chunk) + Int(chunk.pointee.start), count: size))
            next = chunk.pointee.next
        }
    }

    /// Keeps the first `kept` bytes, or all where there are fewer.
    package mutating func truncate(to kept: Int, pool: ChunkPool) {
        guard kept < count else { return }
        guard kept > 0 else { return removeAll(pool: pool) }
        var chunk = first!
        var left = kept - Int(chunk.pointee.end - chunk.pointee.start)
        while left > 0, let next = chunk.pointee.next {
            chunk = next
            left -= Int(chunk.pointee.end - chunk.pointee.start)
        }
        // What of the last chunk is one too many.
        chunk.pointee.end += Int32(left)
        while let surplus = chunk.pointee.next {
            chunk.pointee.next = surplus.pointee.next
            pool.give(surplus)
        }
        last = chunk
        count = kept
    }

    package mutating func removeAll(pool: ChunkPool) {
        while let chunk = first {
            first = chunk.pointee.next
            pool.give(chunk)
        }
        last = nil
        count = 0
    }

    @inline(__always)
    private func bytesOf(_ chunk: UnsafeMutablePointer<Chunk>) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(chunk) + ChunkPool.headerBytes
    }
}
