internal import Demo
internal import Glibc
package import Net
internal import Reactor
internal import Transport

/// `martlet demo`: one demonstration backend on one thread.
package final class DemoProcess {
    private let loop: EventLoop
    private let context: WorkerContext
    private let server: DemoServer
    private let diagnostics: Diagnostics
    private var signals: SignalSource?
    private var timer: RepeatingTimer?
    private var isLeaving = false

    package init(at address: SocketAddress, name: String, diagnostics: Diagnostics) throws(StartFailure) {
        self.diagnostics = diagnostics
        do throws(SystemError) {
            loop = try EventLoop()
            context = WorkerContext(index: 0, loop: loop)
            server = try DemoServer.start(at: address, name: name, context: context)
            signals = try ProcessSignals.listen([SIGTERM, SIGINT, SIGHUP], on: loop) { [unowned self] in received(signal: $0) }
        } catch {
            throw StartFailure(message: "cannot listen on \(address): \(error)")
        }
        diagnostics.log("listening name=\(name) address=\(server.address ?? address) tls=false")
    }

    /// Serves until it is told to end. Returns the exit status.
    package func run() -> Int32 {
        diagnostics.log("ready")
        loop.run()
        return 0
    }

    private func received(signal: Int32) {
        if isLeaving { exit(128 + signal) }
        isLeaving = true
        server.beginDrain()
        timer = RepeatingTimer(every: .milliseconds(20), on: loop) { [unowned self] in
            if server.connectionCount == 0 { loop.stop() }
        }
        timer?.start(after: .zero)
    }
}
