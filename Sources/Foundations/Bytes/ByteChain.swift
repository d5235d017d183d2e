internal import Glibc

/// Chunks of two sizes, kept for reuse up to a bound. One per worker.
@usableFromInline package final class ChunkPool {
    // Of both sizes 4 MiB stay.
    private var smallFree = ChunkFreeList(atMost: 4096)
    private var largeFree = ChunkFreeList(atMost: 256)
    /// For reading into.
    private var buffersFree = ChunkFreeList(atMost: 16)
    /// Headers alone.
    private var viewsFree = ChunkFreeList(atMost: 4096)
    /// Read buffers that only bodies hold any more.
    private var heldBufferCount = 0
    /// In chunks acquired and not released, and what is charged beside; for memory accounting.
    package private(set) var bytesInUse = 0

    private static let headerBytes = Chunk.headerBytes
    fileprivate static let smallBytes = 1024 - headerBytes
    /// A DATA frame of the usual size fills one: then it can go on without being copied.
    fileprivate static let largeBytes = 16_384
    /// What a socket is read for at once.
    @inlinable package static var readBufferBytes: Int { 256 << 10 }
    /// Read buffers that bodies may hold: a slow reader's few bytes keep a whole one. Beyond them bodies are copied.
    private(set) var heldBuffersMax = 32

    /// Bounds what all bodies together may take: an eighth of it may be held in read buffers, 8 MiB at most.
    package func setLimit(_ bytes: Int) { heldBuffersMax = min(32, bytes / 8 / Self.readBufferBytes) }

    /// In free chunks.
    var freeBytes: Int {
        smallFree.count * (Self.headerBytes + Self.smallBytes) + largeFree.count * (Self.headerBytes + Self.largeBytes)
            + buffersFree.count * (Self.headerBytes + Self.readBufferBytes)
    }

    package init() {}

    /// What is held for bodies in memory that is not the pool's; with less than nothing, what is given back.
    package func charge(_ bytes: Int) { bytesInUse += bytes }

    deinit {
        smallFree.freeAll()
        largeFree.freeAll()
        buffersFree.freeAll()
        viewsFree.freeAll()
    }

    /// Chunks of each size that `trim` leaves.
    private static let smallStock = 64
    private static let largeStock = 16

    /// Frees half of what is kept beyond a small stock. Called every ten seconds.
    package func trim() {
        smallFree.trim(keeping: Self.smallStock)
        largeFree.trim(keeping: Self.largeStock)
        buffersFree.trim(keeping: 0)
        viewsFree.trim(keeping: Self.smallStock)
    }

    fileprivate func acquire(for wanted: Int) -> UnsafeMutablePointer<Chunk> {
        let isLarge = wanted > Self.smallBytes
        let capacity = isLarge ? Self.largeBytes : Self.smallBytes
        let chunk = (isLarge ? largeFree.pop() : smallFree.pop()) ?? Self.allocate(capacity)
        bytesInUse += capacity
        chunk.initialize(to: Chunk(next: nil, owner: nil, start: 0, end: 0, capacity: Int32(capacity)))
        return chunk
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Chunk> {
        malloc(headerBytes + capacity)!.assumingMemoryBound(to: Chunk.self)
    }

    /// A view of `size` bytes of `owner` from `start` on.
    fileprivate func acquireView(of owner: UnsafeMutablePointer<Chunk>, from start: Int32, size: Int) -> UnsafeMutablePointer<Chunk>
    {
        let owner = owner.pointee.owner ?? owner
        owner.pointee.references += 1
        let view = viewsFree.pop() ?? Self.allocate(0)
        view.initialize(to: Chunk(next: nil, owner: owner, start: start, end: start + Int32(size), capacity: 0))
        return view
    }

    fileprivate func release(_ chunk: UnsafeMutablePointer<Chunk>) {
        if let owner = chunk.pointee.owner {
            viewsFree.push(chunk)
            return release(owner)
        }
        chunk.pointee.references -= 1
        guard chunk.pointee.references == 0 else { return }
        bytesInUse -= Int(chunk.pointee.capacity)
        if Int(chunk.pointee.capacity) == Self.readBufferBytes { return releaseHeldBuffer(chunk) }
        if Int(chunk.pointee.capacity) == Self.smallBytes { smallFree.push(chunk) } else { largeFree.push(chunk) }
    }
}

/// Memory that a socket, or TLS, is read into, again and again: what arrives lies in it until the next read, or as long as a chain
/// has a view of it.
@usableFromInline package struct ReadBuffer: Equatable {
    @usableFromInline let chunk: UnsafeMutablePointer<Chunk>

    @inlinable package var memory: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(chunk) + Chunk.headerBytes, count: ChunkPool.readBufferBytes)
    }

    /// Bodies lie in it, which are still to be sent.
    @inlinable package var isHeld: Bool { chunk.pointee.references > 1 }

    /// Its first `count` bytes.
    @inlinable package func first(_ count: Int) -> BufferSlice { BufferSlice(BorrowedBytes(rebasing: memory[..<count]), in: self) }
}

extension ChunkPool {
    /// To be given back by `release`, or exchanged.
    package func acquireReadBuffer() -> ReadBuffer {
        let chunk = buffersFree.pop() ?? Self.allocate(Self.readBufferBytes)
        chunk.initialize(to: Chunk(next: nil, owner: nil, start: 0, end: 0, capacity: Int32(Self.readBufferBytes)))
        return ReadBuffer(chunk: chunk)
    }

    /// Nothing is read into it any more. It counts as memory in use as long as bodies hold it.
    package func release(_ buffer: ReadBuffer) {
        bytesInUse += Self.readBufferBytes
        heldBufferCount += 1
        release(buffer.chunk)
    }

    /// Another, where bodies hold this one.
    @inlinable package func exchangeIfHeld(_ buffer: inout ReadBuffer) { if buffer.isHeld { exchange(&buffer) } }

    @usableFromInline
    func exchange(_ buffer: inout ReadBuffer) {
        release(buffer)
        buffer = acquireReadBuffer()
    }

    /// A buffer may be held by bodies.
    fileprivate var lendsBuffers: Bool { heldBufferCount < heldBuffersMax }

    private func releaseHeldBuffer(_ chunk: UnsafeMutablePointer<Chunk>) {
        heldBufferCount -= 1
        buffersFree.push(chunk)
    }
}

extension ChunkPool {
    /// A chunk that belongs to no chain any more: its holder releases it, once, to the pool it is from.
    struct Reference {
        fileprivate let chunk: UnsafeMutablePointer<Chunk>

        var count: Int { Int(chunk.pointee.end - chunk.pointee.start) }
        var bytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: chunk.bytes + Int(chunk.pointee.start), count: count)
        }
    }

    func release(_ reference: Reference) { release(reference.chunk) }
}

/// Bytes behind this header of 32 bytes, or a view of another chunk's. Chains that share a chunk read it only: its filler adds behind
/// what is seen of it.
@usableFromInline struct Chunk {
    var next: UnsafeMutablePointer<Chunk>?
    /// Of a view: whose bytes it shows. Never a view itself.
    let owner: UnsafeMutablePointer<Chunk>?
    var start: Int32
    var end: Int32
    /// None, for a view.
    let capacity: Int32
    /// Of a chunk with bytes: the chain that it is in, and the views of it.
    @usableFromInline var references: Int32 = 1

    @usableFromInline static var headerBytes: Int { 32 }
}

extension UnsafeMutablePointer<Chunk> {
    @inline(__always) fileprivate var bytes: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(pointee.owner ?? self) + Chunk.headerBytes
    }
}

/// Bytes in order, in chunks of a pool: what a stream still has to send.
///
/// Plain memory for slab records; `removeAll` before the record is given back.
@usableFromInline package struct ByteChain {
    private var first: UnsafeMutablePointer<Chunk>?
    private var last: UnsafeMutablePointer<Chunk>?
    @usableFromInline package private(set) var count = 0

    package init() {}

    @inlinable package var isEmpty: Bool { count == 0 }

    @usableFromInline package mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: ChunkPool) {
        guard var source = bytes.baseAddress else { return }
        var left = bytes.count
        count += left
        while left > 0 {
            // A view is full, with a capacity of none.
            if last == nil || last!.pointee.end >= last!.pointee.capacity {
                // A second chunk means a body of some size: take a large one.
                link(pool.acquire(for: last == nil || last!.pointee.owner != nil ? left : Int.max))
            }
            let chunk = last!
            let room = Int(chunk.pointee.capacity - chunk.pointee.end)
            let amount = min(room, left)
            memcpy(chunk.bytes + Int(chunk.pointee.end), source, amount)
            chunk.pointee.end += Int32(amount)
            source += amount
            left -= amount
        }
    }

    /// Appends what has arrived. What is large is not copied: its buffer lives as long as a part of it waits here.
    @inlinable @inline(__always)
    package mutating func append(_ slice: BufferSlice, from pool: ChunkPool) {
        if slice.count < Self.lentAtLeast { append(slice.bytes, from: pool) } else { appendLarge(slice, pool) }
    }

    @usableFromInline
    mutating func appendLarge(_ slice: BufferSlice, _ pool: ChunkPool) {
        guard let buffer = slice.buffer, pool.lendsBuffers else { return append(slice.bytes, from: pool) }
        count += slice.count
        let start = slice.bytes.baseAddress! - UnsafeRawPointer(buffer.chunk.bytes)
        link(pool.acquireView(of: buffer.chunk, from: Int32(start), size: slice.count))
    }

    /// Below this a copy is cheaper than one more vector, or than keeping a buffer.
    @usableFromInline static var lentAtLeast: Int { 4096 }

    /// Appends what `other` has from `offset` on. Neither copies what lies in one piece of some size: both read it, and it lives
    /// as long as either has it.
    package mutating func append(sharing other: ByteChain, from offset: Int = 0, pool: ChunkPool) {
        var passed = 0
        var next = other.first
        while let chunk = next {
            let size = Int(chunk.pointee.end - chunk.pointee.start)
            let start = max(offset - passed, 0)
            if start < size { append(chunk, from: chunk.pointee.start + Int32(start), size: size - start, pool) }
            passed += size
            next = chunk.pointee.next
        }
    }

    private mutating func append(_ chunk: UnsafeMutablePointer<Chunk>, from start: Int32, size: Int, _ pool: ChunkPool) {
        guard size >= Self.sharedAtLeast else {
            return append(UnsafeRawBufferPointer(start: chunk.bytes + Int(start), count: size), from: pool)
        }
        count += size
        if let last, last.pointee.owner == chunk.pointee.owner ?? chunk, last.pointee.end == start {
            last.pointee.end += Int32(size)
        } else {
            link(pool.acquireView(of: chunk, from: start, size: size))
        }
    }

    /// Below this a copy is cheaper.
    static let sharedAtLeast = 512

    private mutating func link(_ chunk: UnsafeMutablePointer<Chunk>) {
        if let last { last.pointee.next = chunk } else { first = chunk }
        last = chunk
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
                UnsafeRawBufferPointer(start: chunk.bytes + Int(chunk.pointee.start), count: amount))
            chunk.pointee.start += Int32(amount)
            left -= amount
            if amount == available {
                first = chunk.pointee.next
                if first == nil { last = nil }
                pool.release(chunk)
            }
        }
    }

    /// In the first chunk.
    var firstCount: Int { first.map { Int($0.pointee.end - $0.pointee.start) } ?? 0 }

    /// Takes the first chunk out, or the first `most` bytes of it, if at least that many are in it.
    mutating func detachFirst(atLeast least: Int, atMost most: Int, pool: ChunkPool) -> ChunkPool.Reference? {
        guard let chunk = first else { return nil }
        let reference = ChunkPool.Reference(chunk: chunk)
        let size = reference.count
        guard size >= least, most >= least else { return nil }
        guard size <= most else {
            count -= most
            defer { chunk.pointee.start += Int32(most) }
            return ChunkPool.Reference(chunk: pool.acquireView(of: chunk, from: chunk.pointee.start, size: most))
        }
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
            body(UnsafeRawBufferPointer(start: chunk.bytes + Int(chunk.pointee.start), count: size))
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
            pool.release(surplus)
        }
        last = chunk
        count = kept
    }

    @inlinable @inline(__always)
    package mutating func removeAll(pool: ChunkPool) { if count > 0 { releaseAll(pool) } }

    @usableFromInline
    mutating func releaseAll(_ pool: ChunkPool) {
        while let chunk = first {
            first = chunk.pointee.next
            pool.release(chunk)
        }
        last = nil
        count = 0
    }
}
