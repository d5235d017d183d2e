internal import Glibc
internal import Reactor

/// Which signals a long-running command hears, and which it ignores, though they end a process by default.
///
/// Untouched are those that report a fault of the program (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS), the processor-time limit
/// (XCPU), QUIT, which ends it with a core dump, and KILL and the signals of job control.
enum ProcessSignals {
    /// TERM and INT leave, HUP reads the configuration anew, USR1 opens the logs anew.
    static let all = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]

    private static let endingByDefault: [Int32] =
        [SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT, SIGPWR, SIGXFSZ] + realTime

    private static var realTime: [Int32] { Array(__libc_current_sigrtmin()...__libc_current_sigrtmax()) }

    /// On the main thread, before any other is started and before anything takes its time.
    static func listen(
        _ heard: [Int32], on loop: EventLoop, received: @escaping (Int32) -> Void
    ) throws(SystemError) -> SignalSource {
        for number in endingByDefault where !heard.contains(number) { signal(number, SIG_IGN) }
        // A parent may have left it ignored, and then no child can be waited for.
        signal(SIGCHLD, SIG_DFL)
        return try SignalSource(heard, on: loop, received: received)
    }
}

/// What signals do before the process is whole.
final class SignalRelay {
    var handler: ((Int32) -> Void)?
    /// What came before there was a handler.
    private(set) var early: [Int32] = []

    func hear(_ signal: Int32) {
        if let handler { handler(signal) } else { early.append(signal) }
    }

    /// It was told to end before it began.
    var isEnding: Bool { early.contains { $0 == SIGTERM || $0 == SIGINT } }
}
