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
        #expect(looks(49, 49, 52, 51) == [false, false, false, false])
        #expect(looks(53, 54) == [false, true])
        heap.trimmed(53 * Self.mebibyte)
        // Taken into use, and freed again.
        #expect(looks(10, 53, 53) == [false, false, true])
    }

    @Test("behind a trim a little is given back too, once nothing moves: it kept many times its size")
    func rest() {
        var heap = FreeHeap()
        func looks(_ kibibytes: Int...) -> [Bool] { kibibytes.map { heap.isWorthTrimming($0 << 10) } }
        #expect(looks(200, 200, 200) == [false, false, false], "there has been no burst")
        #expect(looks(90_000, 90_000) == [false, true])
        heap.trimmed(90_000 << 10)
        #expect(looks(90_100, 90_100, 90_200, 90_300) == [false, false, false, false], "too little, or it moves")
        #expect(looks(90_301) == [true])
        heap.trimmed(90_301 << 10)
        #expect(looks(90_301, 90_301) == [false, false])
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
