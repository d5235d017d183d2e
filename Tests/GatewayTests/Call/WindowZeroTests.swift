import Bytes
import GRPCTesting
import HTTPModel
import Testing
import Upstreams

@testable import Gateway

/// Calls that wait for a window which nobody opens: what ends them, on both sides.
@Suite struct WindowZeroTests {
    private func house(route: String = "") throws -> (TestGateway, TestBackend) {
        let gateway = try TestGateway(route: route)
        let backend = try TestBackend(on: gateway.outside)
        try gateway.adopt([.address(backend.address)], generation: 2)
        return (gateway, backend)
    }

    private let holding = ConnectionLimits.with { $0.streamWindowBytes = 100 }

    @Test("trailers follow an answer that has filled its caller's window")
    func trailers() throws {
        let (gateway, backend) = try house()
        let caller = try gateway.caller(limits: holding)
        let call = caller.begin("/hold.S/Call", ended: true)
        call.isHolding = true
        #expect(gateway.run { backend.held.count == 1 })
        let stream = backend.held[0]
        backend.pour(stream, bytes: 100)
        #expect(gateway.run { call.bodyBytes == 100 })
        backend.end(stream, [Field("grpc-status", "3", token: .grpcStatus)])
        #expect(gateway.run { call.isEnded })
        #expect(call.status == "3")
        #expect(gateway.run { gateway.gateway.callCount == 0 })
    }

    @Test(
        "the caller's deadline ends a call whose answer is complete and has data left",
        arguments: ["", ", timeout: 2s", ", max_stream_duration: 2s"])
    func deadline(route: String) throws {
        let (gateway, backend) = try house(route: route)
        let caller = try gateway.caller(limits: holding)
        let call = caller.begin("/hold.S/Call", route.isEmpty ? [("grpc-timeout", "2S")] : [], ended: true)
        call.isHolding = true
        #expect(gateway.run { backend.held.count == 1 })
        let stream = backend.held[0]
        backend.pour(stream, bytes: 101)
        backend.end(stream, [Field("grpc-status", "0", token: .grpcStatus)])
        #expect(gateway.run { call.bodyBytes == 100 })
        gateway.outside.advance(by: .milliseconds(1900))
        #expect(!call.isOver)
        gateway.outside.advance(by: .milliseconds(200))
        #expect(gateway.run { call.isOver })
        #expect(call.close == .reset(8))
        #expect(gateway.run { gateway.gateway.callCount == 0 })
        #expect(gateway.counts("martlet_requests_total").isEmpty == false)
        let timeout = route.isEmpty ? "grpc_timeout" : route.contains("max") ? "max_stream_duration" : "route"
        #expect(gateway.counts("martlet_timeouts_total") == [timeout: 1])
    }

    @Test("so it does while the answer goes on")
    func deadlineWhileStreaming() throws {
        let (gateway, backend) = try house()
        let caller = try gateway.caller(limits: holding)
        let call = caller.begin("/hold.S/Call", [("grpc-timeout", "2S")], ended: true)
        call.isHolding = true
        #expect(gateway.run { backend.held.count == 1 })
        backend.pour(backend.held[0], bytes: 101)
        #expect(gateway.run { call.bodyBytes == 100 })
        gateway.outside.advance(by: .milliseconds(2100))
        // What can be written at that moment leaves first.
        #expect(!call.isOver)
        gateway.outside.advance(by: .milliseconds(2))
        #expect(gateway.run { call.isOver })
        #expect(call.close == .reset(8))
        // The backend hears of it too.
        #expect(gateway.run { backend.held.isEmpty })
        #expect(gateway.run { gateway.gateway.callCount == 0 })
    }

    @Test("a request ends at its backend's window zero, and its deadline ends it where it has data left", arguments: [100, 101])
    func request(bytes: Int) throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside) { $0.streamWindowBytes = 100 }
        backend.takesBodies = false
        try gateway.adopt([.address(backend.address)], generation: 2)
        let caller = try gateway.caller()
        let call = caller.begin("/hold.S/Call", [("grpc-timeout", "2S")])
        #expect(gateway.run { backend.held.count == 1 })
        call.send([UInt8](repeating: 0, count: bytes))
        #expect(gateway.run { backend.bodyBytes == 100 })
        call.finish()
        if bytes == 100 {
            #expect(gateway.run { backend.held[0].pointee.flags.contains(.remoteEnded) })
            backend.answer(backend.held[0])
            #expect(gateway.run { call.isGone })
            #expect(call.status == "0")
        } else {
            gateway.outside.settle()
            #expect(!backend.held[0].pointee.flags.contains(.remoteEnded))
            gateway.outside.advance(by: .milliseconds(2100))
            #expect(gateway.run { call.isOver })
            #expect(call.status == "4")
            #expect(gateway.run { backend.held.isEmpty })
        }
        #expect(gateway.run { gateway.gateway.callCount == 0 })
    }
}
