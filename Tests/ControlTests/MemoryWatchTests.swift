import Gateway
import Reactor
import Testing

@testable import Control
@testable import Filters

@Suite("What the process takes of memory")
struct MemoryWatchTests {
    @Test("a change of pressure is told once, what was freed is given back first, and without a limit there is none")
    func pressure() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        var used = 100
        var trimmed = 0
        var freed = 0
        let watch = MemoryWatch(limit: 1000, on: loop, resident: { used }) {
            trimmed += 1
            used -= freed
            freed = 0
        }
        var told: [Pressure] = []
        watch.changed = { told.append($0) }
        func look(_ count: Int = 1) {
            for _ in 0..<count {
                clock.advance(by: .milliseconds(260))
                loop.tick(wait: false)
            }
        }
        watch.start()
        look(10)
        #expect(told.isEmpty && trimmed == 0)
        (used, freed) = (950, 800)
        look()
        #expect(told.isEmpty && trimmed == 1, "it was free")
        used = 800
        look(2)
        #expect(told == [.high] && trimmed == 1, "once a second at most")
        used = 950
        look(10)
        #expect(told == [.high, .severe] && (3...5).contains(trimmed))
        used = 1001
        look()
        #expect(told == [.high, .severe, .full])
        watch.limit = nil
        #expect(told.last == Pressure.none)
        look(5)
        #expect(told.count == 4)
    }

    @Test("the system says how much it is")
    func resident() throws {
        let bytes = try #require(MemoryWatch.residentBytes())
        #expect(bytes > 1 << 20 && bytes < 1 << 40)
    }
}
