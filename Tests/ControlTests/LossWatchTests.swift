import Testing

@testable import Control

@Suite("Watching for losses")
struct LossWatchTests {
    @Test("the beginning and the end are told, each once, and the end with how much was lost")
    func once() {
        var watch = LossWatch()
        #expect(watch.look(total: 0, isBroken: false) == nil)
        #expect(watch.look(total: 5, isBroken: true) == .began)
        for total in [9, 9, 12] as [UInt64] { #expect(watch.look(total: total, isBroken: true) == nil) }
        for _ in 1..<LossWatch.quietLooks { #expect(watch.look(total: 12, isBroken: false) == nil) }
        #expect(watch.look(total: 12, isBroken: false) == .ended(lost: 12))
        #expect(watch.look(total: 12, isBroken: false) == nil)
        #expect(watch.look(total: 13, isBroken: false) == .began)
    }

    @Test("what is lost again meanwhile is no end")
    func flapping() {
        var watch = LossWatch()
        #expect(watch.look(total: 1, isBroken: false) == .began)
        for total in 2..<20 as Range<UInt64> {
            #expect(watch.look(total: total, isBroken: false) == nil)
            #expect(watch.look(total: total, isBroken: false) == nil)
        }
    }
}
