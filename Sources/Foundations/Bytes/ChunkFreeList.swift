internal import Glibc

/// Chunks of one size that wait to be used again, up to a bound.
struct ChunkFreeList {
    private var first: UnsafeMutablePointer<Chunk>?
    private(set) var count = 0
    private let countMax: Int

    init(atMost countMax: Int) { self.countMax = countMax }

    /// `nil` where none waits.
    @inline(__always)
    mutating func pop() -> UnsafeMutablePointer<Chunk>? {
        guard let chunk = first else { return nil }
        first = chunk.pointee.next
        count -= 1
        return chunk
    }

    /// Frees the chunk where as many wait as may.
    @inline(__always)
    mutating func push(_ chunk: UnsafeMutablePointer<Chunk>) {
        guard count < countMax else { return free(chunk) }
        chunk.pointee.next = first
        first = chunk
        count += 1
    }

    /// Frees half of what waits beyond a stock.
    mutating func trim(keeping stock: Int) {
        for _ in 0..<max(0, (count - stock + 1) / 2) {
            guard let chunk = pop() else { return }
            free(chunk)
        }
    }

    mutating func freeAll() { while let chunk = pop() { free(chunk) } }
}
