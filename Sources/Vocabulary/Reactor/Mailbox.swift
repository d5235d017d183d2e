internal import CLinux
internal import Glibc
internal import Synchronization

/// The one way into a loop from another thread: tasks are run on the loop, in the order they were posted.
///
/// Posting takes a lock for the length of an append: for control, never per request.
package final class Mailbox: Sendable {
    package typealias Task = @Sendable (EventLoop) -> Void

    private struct State {
        var tasks: [Task] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// An eventfd: readable while tasks wait.
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = linux_eventfd()
        guard descriptor >= 0 else { throw SystemError("eventfd") }
    }

    deinit { close(descriptor) }

    /// False where the loop has ended: the task will not be run.
    @discardableResult
    package func post(_ task: @escaping Task) -> Bool {
        let (accepted, wasEmpty) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.tasks.append(task)
            return (true, state.tasks.count == 1)
        }
        if wasEmpty {
            // EAGAIN means that the counter is full: the loop is being woken already.
            var one: UInt64 = 1
            _ = Glibc.write(descriptor, &one, MemoryLayout<UInt64>.size)
        }
        return accepted
    }

    func take() -> [Task] {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor, &count, MemoryLayout<UInt64>.size)
        return state.withLock { state in
            defer { state.tasks.removeAll() }
            return state.tasks
        }
    }

    /// Tasks that still wait are dropped.
    func closeDown() {
        state.withLock { state in
            state.isClosed = true
            state.tasks.removeAll()
        }
    }
}
