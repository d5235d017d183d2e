import Testing
import Time

@testable import Reactor

@Suite struct RepeatingTimerTests {
    private let clock = ManualClock()
    private let loop: EventLoop

    init() throws { loop = try EventLoop(clock: .manual(clock)) }

    private func advance(_ milliseconds: Int) {
        for _ in 0..<milliseconds {
            clock.advance(by: .milliseconds(1))
            loop.tick(wait: false)
        }
    }

    @Test("it fires a period apart until it is stopped, and again once it is started")
    func fires() {
        var fired = 0
        let timer = RepeatingTimer(every: .milliseconds(100), on: loop) { fired += 1 }
        advance(99)
        #expect(fired == 0)
        advance(202)
        #expect(fired == 3)
        timer.stop()
        advance(300)
        #expect(fired == 3)
        timer.start(after: .milliseconds(10))
        advance(11)
        #expect(fired == 4)
        advance(101)
        #expect(fired == 5)
    }

    @Test("its action may stop it, or let go of it")
    func ends() {
        var fired = 0
        var timer: RepeatingTimer?
        timer = RepeatingTimer(every: .milliseconds(10), on: loop) {
            fired += 1
            if fired == 2 { timer?.stop() }
            if fired == 3 { timer = nil }
        }
        advance(50)
        #expect(fired == 2)
        timer?.start()
        advance(50)
        #expect(fired == 3 && timer == nil)
    }
}
