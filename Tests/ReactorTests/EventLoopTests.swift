import Glibc
import Synchronization
import Testing
import Time

@testable import Reactor

@Suite struct EventLoopTests {
    /// A pipe of a handler's own.
    final class Pipe {
        let reading: Int32
        let writing: Int32

        init() {
            var ends: [Int32] = [0, 0]
            pipe(&ends)
            (reading, writing) = (ends[0], ends[1])
        }

        func poke() {
            var byte: UInt8 = 1
            write(writing, &byte, 1)
        }

        deinit {
            close(reading)
            close(writing)
        }
    }

    final class Listener: EventHandler {
        var heard: [Readiness] = []
        var action: () -> Void = {}
        func ready(_ events: Readiness) {
            heard.append(events)
            action()
        }
    }

    final class Output: Flushable {
        let action: () -> Void
        init(_ action: @escaping () -> Void) { self.action = action }
        func flush() { action() }
    }

    @Test("an event of a descriptor that an earlier event closed and reopened is nobody's")
    func staleEvent() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let pipes = [Pipe(), Pipe()]
        let listeners = [Listener(), Listener()]
        let newcomer = Listener()
        var registrations = try zip(pipes, listeners).map { try loop.register($0.reading, for: .readable, $1) }
        var fresh: EventLoop.Registration?
        let quiet = Pipe()
        // Whoever is called first takes the other out, puts a descriptor of the same number in, and of the same slot.
        for (own, other) in [(0, 1), (1, 0)] {
            listeners[own].action = {
                guard fresh == nil else { return }
                loop.deregister(registrations[other])
                dup2(quiet.reading, pipes[other].reading)
                fresh = try? loop.register(pipes[other].reading, for: .readable, newcomer)
            }
        }
        for pipe in pipes { pipe.poke() }
        loop.tick(wait: false)
        #expect(listeners.map(\.heard.count).reduce(0, +) == 1)
        #expect(fresh != nil)
        #expect(newcomer.heard.isEmpty)
        quiet.poke()
        loop.tick(wait: false)
        #expect(newcomer.heard.count == 1)
        registrations = []
    }

    @Test("deregistering twice does not take out who came after")
    func deregisterTwice() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let pipes = [Pipe(), Pipe()]
        let listeners = [Listener(), Listener()]
        let first = try loop.register(pipes[0].reading, for: .readable, listeners[0])
        loop.deregister(first)
        _ = try loop.register(pipes[1].reading, for: .readable, listeners[1])
        loop.deregister(first)
        pipes[1].poke()
        loop.tick(wait: false)
        #expect(listeners[1].heard == [.readable])
    }

    @Test("interest may change, and the other end's hang-up is told whatever the interest")
    func interestChanges() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let listener = Listener()
        var pipe: Pipe? = Pipe()
        let reading = dup(pipe!.reading)
        defer { close(reading) }
        let registration = try loop.register(reading, for: .readable, listener)
        pipe!.poke()
        loop.change(registration, to: [])
        loop.tick(wait: false)
        #expect(listener.heard.isEmpty)
        loop.change(registration, to: .readable)
        loop.tick(wait: false)
        #expect(listener.heard == [.readable])
        loop.change(registration, to: [])
        pipe = nil
        loop.tick(wait: false)
        #expect(listener.heard.count == 2)
        #expect(!listener.heard[1].isDisjoint(with: .broken))
    }

    @Test("a descriptor that cannot be watched is an error, and leaves its slot to others")
    func unwatchable() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        #expect(throws: SystemError(call: "epoll_ctl", code: EBADF)) {
            try loop.register(-1, for: .readable, Listener())
        }
        let pipe = Pipe()
        let listener = Listener()
        _ = try loop.register(pipe.reading, for: .readable, listener)
        pipe.poke()
        loop.tick(wait: false)
        #expect(listener.heard.count == 1)
    }

    @Test("tasks of several threads all arrive, each thread's in its order")
    func lettersInOrder() throws {
        let loop = try EventLoop()
        let received = Mutex<[[Int]]>(Array(repeating: [], count: 4))
        let mailbox = loop.mailbox
        let threads = try (0..<4).map { thread in
            try Thread(name: "poster") {
                for number in 0..<1000 { mailbox.post { _ in received.withLock { $0[thread].append(number) } } }
            }
        }
        while received.withLock({ $0.map(\.count).reduce(0, +) }) < 4000 { loop.tick(wait: true) }
        for thread in threads { thread.join() }
        #expect(received.withLock { $0 } == Array(repeating: Array(0..<1000), count: 4))
    }

    @Test("a task posted by a task is read in a later tick, and none is lost")
    func letterPostsLetter() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        let order = Mutex<[String]>([])
        loop.mailbox.post { loop in
            order.withLock { $0.append("first") }
            loop.mailbox.post { _ in order.withLock { $0.append("second") } }
        }
        loop.tick(wait: false)
        #expect(order.withLock { $0 } == ["first"])
        loop.tick(wait: false)
        #expect(order.withLock { $0 } == ["first", "second"])
    }

    @Test("a loop that has ended takes no tasks, and drops what waited")
    func endedLoop() throws {
        let loop = try EventLoop()
        loop.mailbox.post { $0.stop() }
        loop.run()
        #expect(!loop.mailbox.post { _ in Issue.record("nobody reads this") })
        loop.tick(wait: false)
    }

    @Test("everything marked is flushed before the tick ends, also what a flush marks and what comes after the tick")
    func flushes() throws {
        let loop = try EventLoop(clock: .manual(ManualClock()))
        var order: [String] = []
        let last = Output { order.append("last") }
        let second = Output { order.append("second") }
        let first = Output {
            order.append("first")
            loop.markDirty(second)
            loop.afterThisTick {
                order.append("after")
                loop.markDirty(last)
                loop.afterThisTick { order.append("after that") }
            }
        }
        loop.markDirty(first)
        loop.tick(wait: false)
        #expect(order == ["first", "second", "after", "last", "after that"])
        loop.tick(wait: false)
        #expect(order.count == 5)
    }

    @Test("within a tick: what is ready, then timers, then tasks, then flushes")
    func orderOfATick() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        let order = Mutex<[String]>([])
        let record: @Sendable (String) -> Void = { word in order.withLock { $0.append(word) } }
        let pipe = Pipe()
        let listener = Listener()
        listener.action = { record("ready") }
        _ = try loop.register(pipe.reading, for: .readable, listener)
        let timer = Timer(on: loop) { record("timer") }
        timer.arm(after: .seconds(1))
        let output = Output { record("flush") }
        loop.mailbox.post { _ in record("task") }
        loop.markDirty(output)
        pipe.poke()
        clock.advance(by: .seconds(1))
        loop.tick(wait: false)
        #expect(order.withLock { $0 } == ["ready", "timer", "task", "flush"])
    }

    @Test("the loop's clocks stand still within a tick")
    func clockOfATick() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        let (now, wall) = (loop.now, loop.wall)
        clock.advance(by: .milliseconds(1500))
        #expect(loop.now == now)
        loop.tick(wait: false)
        #expect(loop.now == now + .milliseconds(1500))
        #expect(loop.wall.seconds == wall.seconds + 1)
    }

    @Test("a timer ends with its last reference, also from its own action")
    func timerEnds() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        var fired = 0
        var timer: Timer? = Timer(on: loop) { fired += 1 }
        timer?.arm(after: .seconds(1))
        timer = nil
        clock.advance(by: .seconds(2))
        loop.tick(wait: false)
        #expect(fired == 0)
        #expect(loop.timers.armedCount == 0)
        var own: Timer?
        own = Timer(on: loop) {
            fired += 1
            own = nil
        }
        own?.arm(after: .seconds(1))
        clock.advance(by: .seconds(2))
        loop.tick(wait: false)
        #expect(fired == 1)
        #expect(own == nil)
    }

    @Test("signals arrive on the loop, one by one, and not after the source is closed")
    func signals() throws {
        let loop = try EventLoop()
        var heard: [Int32] = []
        // Blocked in this thread only, and sent to this thread only.
        let source = try SignalSource([SIGUSR1, SIGUSR2], on: loop) { heard.append($0) }
        pthread_kill(pthread_self(), SIGUSR1)
        pthread_kill(pthread_self(), SIGUSR2)
        loop.tick(wait: false)
        #expect(heard.sorted() == [SIGUSR1, SIGUSR2].sorted())
        source.close()
        source.close()
        pthread_kill(pthread_self(), SIGUSR1)
        loop.tick(wait: false)
        #expect(heard.count == 2)
        // Takes the one that is left, or the thread's next test would meet it.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        var none = timespec()
        sigtimedwait(&set, nil, &none)
    }
}
