internal import Glibc
internal import Synchronization

/// One generation of a table's buckets; the next, twice as large, takes its cells over bucket by bucket.
///
/// A bucket is a cache line: a turn, and the heads of fifteen chains of cells.
///
///     turn    free ⇄ held          by one worker, which puts a key in or takes one out
///             free ─▶ moving ─▶ moved     its keys are in the two buckets of `next` with its number in the low bits
struct BucketArray: ~Copyable {
    static let bytesPerBucket = 64
    static let chains: UInt64 = 15
    private static let pagesFrom = 64 << 10

    private let memory: UnsafeMutableRawPointer
    let count: Int
    private let mask: UInt64
    let next = Atomic<UnsafeMutablePointer<BucketArray>?>(nil)
    let isGrowing = Atomic<Bool>(false)
    /// The first bucket whose move has not begun, and how many have moved.
    let toMove = Atomic<Int>(0)
    let moved = Atomic<Int>(0)
    /// Of an array that every bucket has left: in which epoch, and the one that was outgrown before.
    let outgrownIn = Atomic<UInt64>(0)
    let outgrownBefore = Atomic<UnsafeMutablePointer<BucketArray>?>(nil)

    /// - Parameter count: a power of two.
    init?(count: Int) {
        let bytes = count * Self.bytesPerBucket
        var memory: UnsafeMutableRawPointer?
        if bytes >= Self.pagesFrom {
            memory = ZeroedPages.allocate(bytes)
        } else if posix_memalign(&memory, Self.bytesPerBucket, bytes) == 0, let memory {
            memset(memory, 0, bytes)
        }
        guard let memory else { return nil }
        self.memory = memory
        self.count = count
        mask = UInt64(count - 1)
    }

    deinit {
        let bytes = count * Self.bytesPerBucket
        if bytes >= Self.pagesFrom { ZeroedPages.free(memory, bytes) } else { free(memory) }
    }

    static func make(_ count: Int) -> UnsafeMutablePointer<BucketArray>? {
        guard let array = BucketArray(count: count) else { return nil }
        let pointer = UnsafeMutablePointer<BucketArray>.allocate(capacity: 1)
        pointer.initialize(to: array)
        return pointer
    }

    static func destroy(_ pointer: UnsafeMutablePointer<BucketArray>) {
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }

    @inline(__always)
    func bucket(_ low: UInt64) -> CounterBucket {
        CounterBucket(base: memory + Int(low & mask) * Self.bytesPerBucket)
    }
}

struct CounterBucket {
    let base: UnsafeMutableRawPointer

    var turn: UnsafeMutablePointer<Atomic<UInt32>> { base.assumingMemoryBound(to: Atomic<UInt32>.self) }

    @inline(__always)
    func head(_ chain: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + 4 + chain * 4).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// The chain of a key.
    @inline(__always)
    static func chain(_ digest: CounterDigest) -> Int { chain(high: digest.high) }

    @inline(__always)
    static func chain(high: UInt64) -> Int { Int(((high >> 32) &* BucketArray.chains) >> 32) }

    /// False where the bucket has moved.
    func acquire(_ turn: Turn = .held) -> Bool {
        var tries = 0
        while true {
            let swapped = self.turn.pointee.compareExchange(
                expected: Turn.free.rawValue, desired: turn.rawValue, ordering: .acquiring)
            if swapped.exchanged { return true }
            if swapped.original == Turn.moved.rawValue { return false }
            tries += 1
            // The kernel has taken the core from the thread that has the turn: let it go on.
            if tries > 100 { sched_yield() }
        }
    }

    /// Until it has moved.
    func awaitMove() {
        var tries = 0
        while turn.pointee.load(ordering: .acquiring) == Turn.moving.rawValue {
            tries += 1
            if tries > 100 { sched_yield() }
        }
    }

    func release(_ turn: Turn = .free) { self.turn.pointee.store(turn.rawValue, ordering: .releasing) }

    enum Turn: UInt32 { case free, held, moving, moved }
}
