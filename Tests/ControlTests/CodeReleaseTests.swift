import Reactor
import Testing

@testable import Control

@Suite("Code that only starting needs")
struct CodeReleaseTests {
    @Test("it is let go once, a moment after the start")
    func once() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        var releases = 0
        let release = CodeRelease(on: loop) { releases += 1 }
        for expected in [0, 1, 1] {
            #expect(releases == expected)
            clock.advance(by: CodeRelease.delay + .milliseconds(10))
            loop.tick(wait: false)
        }
        withExtendedLifetime(release) {}
    }

    @Test("the program goes on: its code is read again where it is run")
    func goesOn() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        let release = CodeRelease(on: loop)
        clock.advance(by: CodeRelease.delay + .milliseconds(10))
        loop.tick(wait: false)
        withExtendedLifetime(release) {}
        #expect((1...10).map { "\($0)" }.joined(separator: " ") == "1 2 3 4 5 6 7 8 9 10")
    }
}
