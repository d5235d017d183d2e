internal import Glibc
internal import Random
package import Reactor
internal import Time
package import Transport

/// A worker whose loop turns only when a test says so, on a clock that only the test moves.
package final class TestWorker {
    package let clock: ManualClock
    package let loop: EventLoop
    package let context: WorkerContext
    private let other: TestWorker?

    /// - Parameter other: a worker whose clock is this one's too, and whose loop turns whenever this one's does.
    package init(beside other: TestWorker? = nil) throws {
        self.other = other
        clock = other?.clock ?? ManualClock()
        loop = try EventLoop(clock: .manual(clock))
        context = WorkerContext(index: 0, loop: loop, random: RandomGenerator(seed: 1))
    }

    /// Turns until `isDone`; false if that does not come about.
    ///
    /// What has not come after many turns may be another process's to do, on a busy machine: that is given half a minute.
    package func run(until isDone: () -> Bool) -> Bool {
        for _ in 0..<50_000 {
            if isDone() { return true }
            tick()
        }
        for _ in 0..<30_000 {
            if isDone() { return true }
            usleep(1000)
            tick()
        }
        return isDone()
    }

    /// Turns often enough for everything on the way between sockets of this machine to arrive.
    package func settle() {
        for _ in 0..<200 { tick() }
    }

    private func tick() {
        loop.tick(wait: false)
        other?.loop.tick(wait: false)
        sched_yield()
    }

    /// Moves the clock in steps, so that timers that arm timers come in their order.
    package func advance(by duration: Duration, steps: Int = 10) {
        for _ in 0..<steps {
            clock.advance(by: duration / steps)
            settle()
        }
    }
}
