import GatewayModel
import Testing

@testable import Filters

@Suite("Pressure")
struct PressureTests {
    @Test(
        "three quarters of a limit are free, nine tenths are not for calls of low priority, the rest for those of high only",
        arguments: [
            (100, 75, Pressure.none), (100, 76, .high), (100, 90, .high), (100, 91, .severe), (100, 100, .severe),
            (100, 101, .full),
            (1, 0, .none), (1, 2, .full), (10, 7, .none), (10, 8, .high), (10, 9, .high), (10, 10, .severe), (10, 11, .full),
            (Int.max, Int.max, .severe), (.max, .max / 4 * 3, .none),
        ])
    func marks(limit: Int, used: Int, expected: Pressure) {
        #expect(Pressure(used, of: limit) == expected)
        #expect((used <= Pressure.threshold(limit)) == (expected == .none))
    }

    @Test("each priority is taken up to its mark")
    func priorities() {
        let taken = [Pressure.none, .high, .severe, .full].map { pressure in
            [RouteConfiguration.Priority.low, .default, .high].map { pressure.takes($0) }
        }
        #expect(taken == [[true, true, true], [false, true, true], [false, false, true], [false, false, false]])
    }
}
