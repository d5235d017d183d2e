import Glibc
import Testing

@testable import Reactor

/// Signals here are sent to the test's own thread, which has them blocked: others of the process never see them.
@Suite("Signals on a loop", .serialized)
struct SignalSourceTests {
    final class Received { var signals: [Int32] = [] }

    @Test("a signal arrives on the loop, and others are not taken")
    func arrives() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let received = Received()
        let source = try SignalSource([SIGUSR1, SIGUSR2], on: loop) { received.signals.append($0) }
        loop.tick(wait: false)
        #expect(received.signals.isEmpty)
        raise(SIGUSR1)
        loop.tick(wait: false)
        #expect(received.signals == [SIGUSR1])
        raise(SIGUSR2)
        raise(SIGUSR1)
        loop.tick(wait: false)
        #expect(received.signals.sorted() == [SIGUSR1, SIGUSR1, SIGUSR2].sorted())
        source.close()
    }

    @Test("one that comes again before it was seen is one")
    func coalesced() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let received = Received()
        let source = try SignalSource([SIGUSR1], on: loop) { received.signals.append($0) }
        for _ in 0..<5 { raise(SIGUSR1) }
        loop.tick(wait: false)
        #expect(received.signals == [SIGUSR1])
        source.close()
    }

    @Test("a source may be closed from within, and hears nothing after that")
    func closed() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let received = Received()
        var source: SignalSource?
        source = try SignalSource([SIGUSR1, SIGUSR2], on: loop) {
            received.signals.append($0)
            source?.close()
        }
        raise(SIGUSR1)
        raise(SIGUSR2)
        loop.tick(wait: false)
        loop.tick(wait: false)
        #expect(received.signals.count == 1)
        source?.close()
        // What was blocked stays blocked: it is taken from the queue so that no other test hears of it.
        let again = try SignalSource([SIGUSR1, SIGUSR2], on: loop) { received.signals.append($0) }
        loop.tick(wait: false)
        #expect(received.signals.count == 2)
        again.close()
    }
}
