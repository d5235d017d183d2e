import Reactor
import Testing

@testable import Control

@Suite("Freed memory and the system")
struct HeapReleaseTests {
    private static let mebibyte = 1 << 20

    @Test("what was free at two looks in a row is given back, once, from four mebibytes on")
    func worth() {
        var heap = FreeHeap()
        func looks(_ mebibytes: Int...) -> [Bool] { mebibytes.map { heap.isWorthTrimming($0 * Self.mebibyte) } }
        #expect(looks(3, 3, 50, 3, 50) == [false, false, false, false, false], "used again between two looks")
        #expect(looks(50) == [true])
        heap.trimmed(49 * Self.mebibyte)
        #expect(looks(49, 49, 52, 52) == [false, false, false, false])
        #expect(looks(53, 53) == [false, true])
        heap.trimmed(53 * Self.mebibyte)
        // Taken into use, and freed again.
        #expect(looks(10, 53, 53) == [false, false, true])
    }

    @Test("what the first look finds is not taken for what cannot be given back")
    func first() {
        var heap = FreeHeap()
        let looks = [70, 78].map { heap.isWorthTrimming($0 << 20) }
        #expect(looks == [false, true])
    }

    @Test("a look every few seconds, and a trim only where it is worth it")
    func looks() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        var free = Self.mebibyte
        var trims = 0
        let release = HeapRelease(on: loop, freeBytes: { free }, trim: { trims += 1 })
        func look(_ count: Int) {
            for _ in 0..<count {
                clock.advance(by: HeapRelease.interval + .milliseconds(10))
                loop.tick(wait: false)
            }
        }
        look(3)
        #expect(trims == 0)
        free = 80 * Self.mebibyte
        look(1)
        #expect(trims == 0)
        look(5)
        #expect(trims == 1)
        withExtendedLifetime(release) {}
    }
}
