internal import CLinux
internal import Glibc
internal import Reactor
internal import Synchronization

/// The access log of the process: a ring for each worker, and one thread that writes them all.
///
/// Made and stopped by the owner of the workers. Lines of one worker keep their order; those of different workers mix,
/// line by line.
package final class AccessLogSink: Sendable {
    /// At full load a worker fills this in some 20 ms, twice the writer's pace.
    package static let defaultRingBytes = 1 << 20

    private let thread: AccessLogThread

    /// - Parameter ringBytes: a power of two; what a worker may be ahead of the target.
    package convenience init(
        _ target: AccessLogTarget, workers: Int, ringBytes: Int = defaultRingBytes
    ) throws(AccessLogFailure) {
        try self.init(output: try AccessLogOutput(target), workers: workers, ringBytes: ringBytes)
    }

    init(output: AccessLogOutput, workers: Int, ringBytes: Int) throws(AccessLogFailure) {
        precondition(workers > 0)
        thread = try AccessLogThread(output: output, workers: workers, ringBytes: ringBytes)
        try thread.start()
    }

    /// The ring of one worker, which alone may append to it.
    package func ring(_ worker: Int) -> AccessLogRing { thread.rings[worker] }

    /// Opens the target anew, for a file that was moved away, or another one. On failure everything stays as it was.
    package func open(_ target: AccessLogTarget) throws(AccessLogFailure) {
        thread.use(try AccessLogOutput(target))
    }

    /// Lines that found no room in a ring.
    package var linesDropped: UInt64 { thread.rings.reduce(0) { $0 &+ $1.linesDropped } }

    /// Lines that the target refused.
    package var linesLost: UInt64 { thread.linesLost }

    /// Why the target refused the last batch: errno; `nil` where it took it.
    package var fault: Int32? { thread.fault }

    /// Writes what was published and ends the thread; to be called once, after the workers have ended.
    /// - Returns: false where the target did not take the rest in time. The thread is then left behind.
    package func stop(withinMilliseconds limit: Int32) -> Bool { thread.stop(withinMilliseconds: limit) }
}

/// The writer thread and what it shares with its owner. Lives as long as the thread does.
private final class AccessLogThread: @unchecked Sendable {
    let rings: [AccessLogRing]
    private let wakeup: AccessLogWakeup
    private let ended: AccessLogWakeup
    private let output: Mutex<AccessLogOutput>
    private let isStopping = Atomic<Bool>(false)
    private let isAbandoned = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let lost = Atomic<UInt64>(0)
    private let lastErrno = Atomic<Int32>(0)
    private let identity = Mutex<pthread_t?>(nil)

    /// How long the writer gathers before it looks again: longer makes larger batches and needs larger rings.
    private static let paceMilliseconds: Int32 = 10

    init(output: AccessLogOutput, workers: Int, ringBytes: Int) throws(AccessLogFailure) {
        guard let wakeup = AccessLogWakeup(), let ended = AccessLogWakeup() else {
            throw AccessLogFailure(subject: "eventfd", errno: ErrorNumber.last)
        }
        self.wakeup = wakeup
        self.ended = ended
        rings = (0..<workers).map { _ in AccessLogRing(capacity: ringBytes, writer: wakeup) }
        self.output = Mutex(output)
        for ring in rings { ring.setEnabled(!output.isOff) }
    }

    var linesLost: UInt64 { lost.load(ordering: .relaxed) }

    var fault: Int32? {
        let code = lastErrno.load(ordering: .relaxed)
        return code == 0 ? nil : code
    }

    func use(_ next: AccessLogOutput) {
        output.withLock { $0 = next }
        for ring in rings { ring.setEnabled(!next.isOff) }
        wakeup.wake()
    }

    func start() throws(AccessLogFailure) {
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<AccessLogThread>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, retained.toOpaque())
        if code != 0 {
            retained.release()
            throw AccessLogFailure(subject: "thread", errno: code)
        }
        identity.withLock { $0 = thread }
    }

    func stop(withinMilliseconds limit: Int32) -> Bool {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        wakeup.wake()
        // In slices, because a signal may end a pause before its time.
        var left = limit
        while left > 0, !hasEnded.load(ordering: .acquiring) {
            ended.pause(milliseconds: min(left, 20))
            left -= 20
        }
        let thread = identity.withLock { $0.take() }
        guard let thread else { return true }
        if hasEnded.load(ordering: .acquiring) {
            pthread_join(thread, nil)
            return true
        }
        isAbandoned.store(true, ordering: .relaxed)
        pthread_detach(thread)
        return false
    }

    private func run() {
        linux_name_thread("access-log")
        // Signals are the main thread's, and a closed pipe is an error like others.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        var batch = AccessLogBatch(rings)
        while true {
            // Read before the rings: what was published before the stop is then in this batch.
            let stopping = isStopping.load(ordering: .sequentiallyConsistent)
            let current = output.withLock { $0 }
            let (isEmpty, loss) = batch.write(
                to: current, isAbandoned: { isAbandoned.load(ordering: .relaxed) },
                isReplaced: { output.withLock { $0 !== current } })
            if loss.lines > 0 { lost.store(lost.load(ordering: .relaxed) &+ loss.lines, ordering: .relaxed) }
            if !isEmpty { lastErrno.store(loss.errno, ordering: .relaxed) }
            if isEmpty {
                if stopping { break }
                wakeup.sleep {
                    isStopping.load(ordering: .sequentiallyConsistent) || rings.contains { $0.hasPublished }
                }
            } else if !stopping {
                wakeup.pause(milliseconds: Self.paceMilliseconds)
            }
        }
        hasEnded.store(true, ordering: .releasing)
        ended.wake()
    }
}
