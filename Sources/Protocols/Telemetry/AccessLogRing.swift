internal import Glibc
internal import Synchronization

/// One worker's lines on their way to the writer thread: a ring of bytes with one producer and one consumer.
///
/// `append` and `publish` belong to the worker, everything else to the sink. A line goes in whole or not at all: a worker
/// never waits for a slow disk or a full pipe, it drops the line and counts it.
///
/// The worker hands lines over with `publish`, at the end of its tick; before that the writer does not see them. The
/// writer is woken only where it sleeps with nothing to do, or where the ring is half full.
package final class AccessLogRing: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int
    private let writer: AccessLogWakeup
    private let enabled = Atomic<Bool>(false)

    /// Positions only rise; a byte lies at its position modulo the capacity.
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    private let dropped = Atomic<UInt64>(0)
    private let urgent = Atomic<Bool>(false)

    // The worker's own.
    private var end = 0
    private var published = 0
    private var headSeen = 0
    private var line = AccessLogLine()

    init(capacity: Int, writer: AccessLogWakeup) {
        precondition(capacity >= 16 && capacity & (capacity - 1) == 0, "a power of two")
        self.capacity = capacity
        self.writer = writer
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        memory.deallocate()
        line.destroy()
    }

    /// False where there is nowhere to write to: then there is no need to gather what a line says.
    package var isEnabled: Bool { enabled.load(ordering: .relaxed) }

    /// Lines that found no room.
    package var linesDropped: UInt64 { dropped.load(ordering: .relaxed) }

    /// - Returns: false where the line was dropped.
    @discardableResult
    package func append(_ entry: borrowing AccessLogEntry) -> Bool {
        guard isEnabled else { return true }
        return append(line: line.compose(entry))
    }

    /// A line that is already composed, its line feed included.
    @discardableResult
    package func append(line bytes: UnsafeRawBufferPointer) -> Bool {
        if capacity - (end - headSeen) < bytes.count {
            headSeen = head.load(ordering: .acquiring)
            if capacity - (end - headSeen) < bytes.count {
                dropped.store(dropped.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
                // Lines that this very tick has not handed over yet may be what fills the ring.
                publish()
                return false
            }
        }
        let offset = end & (capacity - 1)
        let first = min(bytes.count, capacity - offset)
        if let source = bytes.baseAddress {
            memcpy(memory + offset, source, first)
            memcpy(memory, source + first, bytes.count - first)
        }
        end += bytes.count
        // In a tick with very many lines.
        if end - published > capacity / 2 { publish() }
        return true
    }

    /// Hands over what was appended; nothing to do costs nothing.
    package func publish() {
        guard end != published else { return }
        published = end
        // Sequentially consistent, as is the writer's going to sleep: one of the two sees the other.
        tail.store(end, ordering: .sequentiallyConsistent)
        writer.wakeIfIdle()
        if end - headSeen > capacity / 2 {
            headSeen = head.load(ordering: .acquiring)
            if end - headSeen > capacity / 2, !urgent.exchange(true, ordering: .relaxed) { writer.wake() }
        }
    }

    // The consumer's side.

    func setEnabled(_ isEnabled: Bool) { enabled.store(isEnabled, ordering: .relaxed) }

    var hasPublished: Bool { tail.load(ordering: .sequentiallyConsistent) != head.load(ordering: .relaxed) }

    /// What may be consumed, as positions.
    func readable() -> Range<Int> {
        urgent.store(false, ordering: .relaxed)
        let end = tail.load(ordering: .acquiring)
        return head.load(ordering: .relaxed)..<end
    }

    func consumed(upTo position: Int) { head.store(position, ordering: .releasing) }

    /// The memory behind a range of positions: one piece, or two where it wraps.
    func pieces(_ range: Range<Int>) -> (UnsafeRawBufferPointer, UnsafeRawBufferPointer) {
        let offset = range.lowerBound & (capacity - 1)
        let first = min(range.count, capacity - offset)
        return (
            UnsafeRawBufferPointer(start: memory + offset, count: first),
            UnsafeRawBufferPointer(start: memory, count: range.count - first)
        )
    }
}
