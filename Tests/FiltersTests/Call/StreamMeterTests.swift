import Bytes
import GatewayModel
import LimitRules
import RateLimit
import Testing

@testable import Filters

@Suite("Limits inside streams")
struct StreamMeterTests {
    private let limiter = Limiter(store: MemoryStore(), generation: 1)
    private let limit: Limit

    init() throws { limit = Limit(try LimitRule.parse("4/day"), name: "l", place: "p", counters: CounterRegistry()) }

    private func gauge(_ measure: LimitConfiguration.StreamMeasure, isHeld: Bool = false, unit: Int = 1) -> StreamGauge {
        let request = limiter.makeRequest()
        request.reset()
        request.begin(limit, hits: 0)
        let gauge = StreamGauge(
            request, of: limiter, LimitConfiguration.StreamCounting(measure: measure, isHeld: isHeld, unit: unit), slot: 0)
        gauge.isAdmitted = true
        return gauge
    }

    private func carry(_ bytes: [UInt8], _ gauge: StreamGauge) { bytes.withUnsafeBytes { gauge.carry($0) } }

    @Test("messages count when they are whole, wherever they are cut")
    func messages() {
        let gauge = gauge(.requestMessages)
        let message: [UInt8] = [0, 0, 0, 0, 3, 1, 2, 3]
        let all = message + [0, 0, 0, 0, 0] + message
        for byte in all[..<9] { carry([byte], gauge) }
        #expect(gauge.debt == 1)
        carry(Array(all[9...]), gauge)
        #expect(gauge.debt == 3)
    }

    @Test("bytes count by units, and at the end a part of one is one")
    func bytes() {
        let gauge = gauge(.responseBytes, unit: 8)
        for _ in 0..<5 { carry([1, 2, 3], gauge) }
        #expect(gauge.debt == 1)
        #expect(gauge.takeDebt() == 2 && gauge.takeDebt() == 0)
    }

    @Test("what is owed is asked for once, at most as much as there ever is, until it is paid")
    func asking() {
        let gauge = gauge(.requestBytes)
        #expect(gauge.ask() == nil)
        gauge.carry(6)
        #expect(gauge.ask() == 4 && gauge.ask() == nil)
        gauge.carry(1)
        #expect(gauge.conclude(.allowed) == .again)
        #expect(gauge.ask() == 3)
        #expect(gauge.conclude(.allowed) == .paid && !gauge.owes)
    }

    @Test("what is refused ends the call or waits, and is owed still")
    func refusals() {
        let (refusing, holding) = (gauge(.requestBytes), gauge(.requestBytes, isHeld: true))
        for gauge in [refusing, holding] {
            gauge.carry(2)
            _ = gauge.ask()
        }
        #expect(refusing.conclude(.refused) == .refuse && holding.conclude(.refused) == .wait)
        holding.isWaiting = true
        #expect(holding.ask() == nil)
        holding.isWaiting = false
        #expect(holding.ask() == 2)
        #expect(holding.conclude(.unavailable) == .unavailable)
        #expect(refusing.takeDebt() == 2)
    }

    @Test("before the call is admitted nothing is asked for, and afterwards what has come meanwhile")
    func admission() {
        let (meter, gauge) = (StreamMeter(), gauge(.requestBytes))
        gauge.isAdmitted = false
        meter.add(gauge)
        gauge.carry(2)
        #expect(gauge.ask() == nil)
        #expect(meter.removeUnadmitted().count == 1 && meter.gauges.isEmpty)
        meter.add(gauge)
        meter.admit()
        #expect(gauge.ask() == 2 && meter.removeUnadmitted().isEmpty)
    }

    @Test("a window is kept back while its direction owes, and no longer")
    func windows() {
        let meter = StreamMeter()
        let (request, answer) = (gauge(.requestBytes), gauge(.responseBytes))
        meter.add(request)
        meter.add(answer)
        #expect(!meter.withholds(10, ofRequest: true))
        request.carry(1)
        #expect(
            meter.withholds(10, ofRequest: true) && meter.withholds(5, ofRequest: true) && !meter.withholds(7, ofRequest: false))
        #expect(meter.release(ofRequest: true) == 0)
        _ = request.ask()
        _ = request.conclude(.allowed)
        #expect(meter.release(ofRequest: true) == 15 && meter.release(ofRequest: true) == 0)
    }
}
