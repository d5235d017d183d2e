internal import Config
internal import Reactor
internal import Time
internal import Transport

/// How a process leaves: after `delay` its workers accept no more and let their connections finish, for `timeout` at most,
/// or until it is told again.
final class GracefulShutdown<Program: ListeningProgram> {
    private let group: WorkerGroup<Program>
    private let connectionCounts: ConnectionCounts
    private let loop: EventLoop
    private let diagnostics: Diagnostics
    private let drain: DrainConfiguration
    private var begin: Timer?
    private var watch: RepeatingTimer?
    private var ends = Instant.distantFuture

    private static var pace: Duration { .milliseconds(20) }

    init(
        _ drain: DrainConfiguration, group: WorkerGroup<Program>, connectionCounts: ConnectionCounts, loop: EventLoop,
        diagnostics: Diagnostics
    ) {
        self.drain = drain
        self.group = group
        self.connectionCounts = connectionCounts
        self.loop = loop
        self.diagnostics = diagnostics
        diagnostics.log("leaving delay=\(DurationText.text(drain.delay)) timeout=\(DurationText.text(drain.timeout))")
        begin = Timer(on: loop) { [unowned self] in start() }
        if drain.delay > .zero { begin?.arm(after: drain.delay) } else { start() }
    }

    private func start() {
        group.postToAll { $0.beginDrain() }
        ends = loop.now + drain.timeout
        watch = RepeatingTimer(every: Self.pace, on: loop) { [unowned self] in look() }
    }

    private func look() {
        guard connectionCounts.total == 0 || loop.now >= ends else { return }
        watch?.stop()
        leave("time is up")
    }

    /// Waits no longer: what still runs is ended, and counted and logged as such.
    func forceNow() { leave("told twice") }

    private func leave(_ reason: String) {
        if connectionCounts.total > 0 {
            diagnostics.log("leaving with \(connectionCounts.total) connections open: \(reason)")
            group.postToAll { worker in
                worker.endCalls()
                worker.listeners.end()
            }
        }
        loop.stop()
    }
}
