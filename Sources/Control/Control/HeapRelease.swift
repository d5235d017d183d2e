internal import CLinux
internal import Reactor

/// When freed memory is worth giving back to the system. Pure.
///
/// The allocator counts what was given back as free, too, so what counts is how much more has become free since; and only what
/// was free at two looks in a row, since the rest is about to be used again.
struct FreeHeap {
    private var afterTrim = 0
    private var last = 0
    private var hasTrimmed = false

    /// Less is not worth it: other threads that allocate meanwhile wait.
    static let bytesMin = 4 << 20
    /// Less behind a trim, once nothing moves: the last blocks of a burst, which pools give back later, kept many times their size.
    static let bytesMinAtRest = 128 << 10

    /// - Parameter bytes: free inside the allocator now.
    mutating func isWorthTrimming(_ bytes: Int) -> Bool {
        defer { last = bytes }
        afterTrim = min(afterTrim, bytes)
        let more = min(last, bytes) - afterTrim
        let isAtRest = hasTrimmed && abs(bytes - last) < Self.bytesMinAtRest / 2
        return more >= (isAtRest ? Self.bytesMinAtRest : Self.bytesMin)
    }

    mutating func trimmed(_ bytes: Int) { (afterTrim, last, hasTrimmed) = (bytes, bytes, true) }
}

/// Has the allocator give freed memory back to the system every few seconds, where there is much of it: on its own it keeps all
/// that lies below anything in use, and what thousands of connections were made of would stay with the process.
final class HeapRelease {
    private var heap = FreeHeap()
    private var timer: RepeatingTimer?
    private let freeBytes: () -> Int
    private let trim: () -> Void

    static let interval = Duration.seconds(5)

    init(
        on loop: EventLoop, freeBytes: @escaping () -> Int = { linux_free_heap_bytes() },
        trim: @escaping () -> Void = { linux_trim_memory() }
    ) {
        self.freeBytes = freeBytes
        self.trim = trim
        timer = RepeatingTimer(every: Self.interval, on: loop) { [unowned self] in look() }
    }

    private func look() {
        guard heap.isWorthTrimming(freeBytes()) else { return }
        trim()
        heap.trimmed(freeBytes())
    }
}
