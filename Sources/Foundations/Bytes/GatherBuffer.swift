/// What is to leave with one write: bytes that were copied here, and between them chunks of chains, or parts of them, which were not.
///
/// Chunks taken over stay readable until `removeAll` releases them to their pool. One owner, no reference count.
@usableFromInline package struct GatherBuffer: ~Copyable {
    @usableFromInline package var bytes: ByteBuffer
    /// Whether chunks are taken over whole; otherwise all of it lies in `bytes`, in a row.
    package var takesChunks: Bool
    private var lent: [Lent] = []
    @usableFromInline var lentBytes = 0
    private var pool: Unmanaged<ChunkPool>?

    /// A chunk, and how many of `bytes` are before it.
    private struct Lent {
        let chunk: ChunkPool.Reference
        let position: Int
    }

    package init(capacity: Int, takesChunks: Bool = false) {
        bytes = ByteBuffer(capacity: capacity)
        self.takesChunks = takesChunks
    }

    deinit { giveBack() }

    @inlinable package var count: Int { bytes.count &+ lentBytes }
    /// In how many pieces it lies, at most.
    package var pieceLimit: Int { lent.count * 2 + 1 }
    package var isContiguous: Bool { lent.isEmpty }

    /// Moves the first `wanted` bytes, which must be there, from `chain` to the end.
    package mutating func take(_ wanted: Int, from chain: inout ByteChain, pool: ChunkPool) {
        guard takesChunks, wanted >= ByteChain.lentAtLeast else { return chain.move(wanted, to: &bytes, pool: pool) }
        var left = wanted
        while left > 0 {
            if let chunk = chain.detachFirst(atLeast: ByteChain.lentAtLeast, atMost: left, pool: pool) {
                self.pool = .passUnretained(pool)
                lent.append(Lent(chunk: chunk, position: bytes.count))
                lentBytes += chunk.count
                left -= chunk.count
            } else {
                let amount = min(left, chain.firstCount)
                chain.move(amount, to: &bytes, pool: pool)
                left -= amount
            }
        }
    }

    /// The bytes in order, in the pieces they lie in; valid until the next mutation.
    package func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
        let own = bytes.readable
        var written = 0
        for piece in lent {
            if piece.position > written { body(UnsafeRawBufferPointer(rebasing: own[written..<piece.position])) }
            written = piece.position
            body(piece.chunk.bytes)
        }
        if written < own.count { body(UnsafeRawBufferPointer(rebasing: own[written...])) }
    }

    package mutating func removeAll() {
        bytes.removeAll()
        guard !lent.isEmpty else { return }
        giveBack()
        lent.removeAll(keepingCapacity: true)
        lentBytes = 0
    }

    private func giveBack() {
        guard let pool else { return }
        for piece in lent { pool._withUnsafeGuaranteedRef { $0.release(piece.chunk) } }
    }
}
