internal import CLinux
internal import Glibc

/// Signals as events of a loop: they are blocked everywhere and arrive on a descriptor.
///
/// To be made on the main thread before any other is started.
package final class SignalSource: EventHandler {
    private let descriptor: Int32
    private unowned let loop: EventLoop
    private var registration: EventLoop.Registration?
    private let received: (Int32) -> Void

    package init(_ signals: [Int32], on loop: EventLoop, received: @escaping (Int32) -> Void) throws(SystemError) {
        self.loop = loop
        self.received = received
        descriptor = linux_signals(signals, Int32(signals.count))
        guard descriptor >= 0 else { throw SystemError("signalfd") }
        registration = try loop.register(descriptor, for: .readable, self)
    }

    package func close() {
        guard let registration else { return }
        self.registration = nil
        loop.deregister(registration)
        Glibc.close(descriptor)
    }

    package func ready(_ events: Readiness) {
        while registration != nil, case let signal = linux_next_signal(descriptor), signal > 0 { received(signal) }
    }
}
