import GatewayModel
import HTTPModel
import RateLimit
import Testing

@testable import Filters

@Suite("Costs that an answer says")
struct ResponseChargeTests {
    private let limiter = Limiter(store: MemoryStore(), generation: 1)

    private func charge(after earlier: ResponseCharge? = nil, _ headers: String...) -> ResponseCharge {
        let charge = ResponseCharge(limiter, limiter.makeRequest(), after: earlier)
        for header in headers { charge.add(.init(header: Array(header.utf8), otherwise: 3, maximum: 500)) }
        return charge
    }

    /// Whether each of the fields is a cost.
    private func read(_ fields: [(String, String)], by charge: ResponseCharge) -> [Bool] {
        var block = FieldBlock()
        defer { block.destroy() }
        for (name, value) in fields { block.append(name, value) }
        return (0..<block.count).map { charge.takes(block[$0]) }
    }

    @Test(
        "whole numbers up to the maximum count as they are",
        arguments: [
            ("0", .said(0)), ("500", .said(500)), ("501", .tooLarge), ("99999999999999999999999", .tooLarge), ("-1", .malformed),
            ("+1", .malformed), ("1.0", .malformed), ("", .malformed), ("1 ", .malformed), ("0x1", .malformed),
        ] as [(String, ResponseCharge.Reading)])
    func numbers(value: String, reading: ResponseCharge.Reading) {
        let charge = charge("x-cost")
        #expect(charge.costs.map(\.reading) == [.missing] && charge.costs.map(\.hits) == [3])
        #expect(read([("x-other", "9"), ("x-cost", value)], by: charge) == [false, true])
        #expect(charge.costs.map(\.reading) == [reading])
    }

    @Test("each limit has its own field, both stages read, and the last of several counts")
    func several() {
        let early = charge("x-rows")
        let late = charge(after: early, "x-tokens", "x-rows")
        #expect(read([("x-rows", "1"), ("x-tokens", "7"), ("x-rows", "900")], by: late) == [true, true, true])
        #expect(late.costs.map(\.hits) == [7, 500] && early.costs.map(\.hits) == [500])
    }
}
