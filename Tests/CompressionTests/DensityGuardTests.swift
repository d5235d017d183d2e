import Testing

@testable import Compression

@Suite struct DensityGuardTests {
    @Test("messages that are each free are held to the ratio together")
    func together() throws {
        var density = DensityGuard()
        try density.record(consumed: 1000, written: 1 << 20)
        #expect(throws: InflateFailure.tooDense(ratioMax: 100)) { try density.record(consumed: 1000, written: 1 << 20) }
    }

    @Test("what is no denser than the ratio goes on for ever")
    func text() throws {
        var density = DensityGuard()
        for _ in 0..<1000 { try density.record(consumed: 1 << 20, written: 20 << 20) }
    }
}
