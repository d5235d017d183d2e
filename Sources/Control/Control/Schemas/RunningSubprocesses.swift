internal import Glibc
internal import Reactor
internal import Synchronization

/// The programs that threads of this process have started and wait for, so that all can be killed when the process itself ends.
///
///     open ──program starts──▶ running ──waited for──▶ open
///       └───── killAll ──────────┴──▶ closed: what runs is killed, nothing more starts
///
/// Starting, waiting for and killing exclude each other: a child is killed only before it was waited for, and so no other process
/// can have its id.
final class RunningSubprocesses: Sendable {
    private struct State {
        var running: Set<pid_t> = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Kills what runs; the threads that wait see the end by a signal. Nothing starts any more.
    func killAll() {
        state.withLock { state in
            state.isClosed = true
            for child in state.running { kill(child, SIGKILL) }
        }
    }

    /// Starts a program by `start`; `nil` when all are to end.
    func starting<Failure>(_ start: () throws(Failure) -> pid_t) throws(Failure) -> pid_t? {
        try state.withLock { state throws(Failure) -> pid_t? in
            guard !state.isClosed else { return nil }
            let child = try start()
            state.running.insert(child)
            return child
        }
    }

    /// Its status as `waitpid` has it, once it has ended; `nil` while it runs.
    ///
    /// - Parameter killing: it is killed first, and waited for.
    func status(of child: pid_t, killing: Bool = false) -> Int32? {
        state.withLock { state in
            if killing { kill(child, SIGKILL) }
            var status: Int32 = 0
            var found: pid_t
            repeat { found = waitpid(child, &status, killing ? 0 : WNOHANG) } while found < 0 && ErrorNumber.isInterruption
            if found == 0 { return nil }
            state.running.remove(child)
            // Not a child of this process any more: what became of it is not known.
            return found == child ? status : 127 << 8
        }
    }
}
