import Filters
import GRPCTesting
import HTTPModel
import Testing

@testable import Gateway

@Suite("Calls over the gateway's limits")
struct AdmissionTests {
    /// A gateway whose calls' priority is in their path: /low, /high, and others.
    private func house(_ overload: String) throws -> (gateway: TestGateway, backend: TestBackend) {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        let written = """
            overload: \(overload)
            clusters: { a: { endpoints: ["\(backend.address)"] } }
            routes:
              - { path: /hold.low/Call, priority: low, allow: anyone, cluster: a }
              - { path: /hold.high/Call, priority: high, allow: anyone, cluster: a }
              - { allow: anyone, cluster: a }
            """
        try gateway.adopt(written: written)
        return (gateway, backend)
    }

    @Test(
        "near the limit of calls those of low priority are refused first, then all but those of high, at it all, and all come back")
    func calls() throws {
        let (gateway, backend) = try house("{ calls: 20 }")
        let caller = try gateway.caller()
        func fill(to count: Int) {
            while backend.held.count < count {
                let before = backend.held.count
                _ = caller.begin("/hold.high/Call", ended: true)
                #expect(gateway.run { backend.held.count == before + 1 })
            }
        }
        /// Whether a call more of this priority is taken; it is over afterwards.
        func takes(_ priority: String) -> Bool {
            let before = backend.held.count
            let call = caller.begin("/hold.\(priority)/Call", ended: true)
            #expect(gateway.run { call.isOver || backend.held.count > before })
            if call.isOver {
                #expect(call.status == "14" && call.field("retry-after") == "1")
                #expect(call.field("grpc-message") == "the gateway is overloaded")
                return false
            }
            call.reset()
            #expect(gateway.run { backend.held.count == before && gateway.gateway.callCount == before })
            return true
        }
        fill(to: 14)
        #expect([takes("low"), takes("default"), takes("high")] == [true, true, true])
        fill(to: 15)
        #expect([takes("low"), takes("default"), takes("high")] == [false, true, true])
        fill(to: 18)
        #expect([takes("low"), takes("default"), takes("high")] == [false, false, true])
        fill(to: 20)
        #expect([takes("low"), takes("default"), takes("high")] == [false, false, false])
        #expect(gateway.count("martlet_overload_total", "calls") == 6)
        for stream in backend.held { backend.answer(stream) }
        #expect(gateway.run { gateway.gateway.callCount == 0 })
        #expect([takes("low"), takes("default"), takes("high")] == [true, true, true])
    }

    @Test("a refusal is an answer, never REFUSED_STREAM")
    func answer() throws {
        let (gateway, backend) = try house("{ calls: 1 }")
        let caller = try gateway.caller()
        _ = caller.begin("/hold.high/Call", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        let refused = caller.begin("/hold.high/Call", ended: true)
        #expect(gateway.run { refused.isGone })
        #expect(refused.close == .complete && refused.status == "14")
    }

    @Test("what the whole process takes of memory refuses calls by their priority")
    func resident() throws {
        let (gateway, backend) = try house("{ memory: 64MiB }")
        let caller = try gateway.caller()
        gateway.gateway.setResidentPressure(.high)
        #expect(caller.unary("/hold.low/Call", []).status == "14")
        #expect(caller.unary("/a.S/Call", []).status == "0")
        gateway.gateway.setResidentPressure(.severe)
        #expect(caller.unary("/a.S/Call", []).status == "14")
        gateway.gateway.setResidentPressure(.none)
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect(gateway.count("martlet_overload_total", "process_memory") == 2)
        #expect(backend.paths == ["/a.S/Call", "/a.S/Call"])
    }
}
