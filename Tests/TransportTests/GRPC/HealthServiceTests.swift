import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import Testing
import Transport

struct HealthServiceTests {
    private func request(_ service: String) -> [UInt8] {
        var buffer = ByteBuffer()
        Array(service.utf8).withUnsafeBytes { HealthCheck.appendRequest(service: $0, to: &buffer) }
        return Array(buffer.readable)
    }

    private func status(_ message: [UInt8]?) throws -> HealthCheck.ServingStatus {
        try #require(message).withUnsafeBytes { try HealthCheck.status(inResponse: $0) }
    }

    @Test("Check tells of the server and of its services, and does not find others")
    func check() throws {
        let served = try Served()
        served.health.set("a.B", to: .notServing)
        #expect(try status(served.caller.unary("/grpc.health.v1.Health/Check", []).messages.first) == .serving)
        let known = served.caller.unary("/grpc.health.v1.Health/Check", request("a.B"))
        #expect(try status(known.messages.first) == .notServing)
        #expect(served.caller.unary("/grpc.health.v1.Health/Check", request("a.C")).status == "5")
        #expect(served.caller.unary("/grpc.health.v1.Health/Check", [0xFF]).status == "13")
    }

    @Test("Watch tells at once and at every change, and goes on for a service that is not known yet")
    func watch() throws {
        let served = try Served()
        let call = served.caller.begin("/grpc.health.v1.Health/Watch")
        call.send(message: request("a.B"))
        call.finish()
        #expect(served.worker.run { call.messages.count == 1 })
        #expect(try status(call.messages.last) == .serviceUnknown)
        served.health.set("a.B", to: .serving)
        #expect(served.worker.run { call.messages.count == 2 })
        #expect(try status(call.messages.last) == .serving)
        // The same again, and another service: nothing to say.
        served.health.set("a.B", to: .serving)
        served.health.set("", to: .notServing)
        served.worker.settle()
        #expect(call.messages.count == 2)
        served.health.shutDown()
        #expect(served.worker.run { call.messages.count == 3 })
        #expect(try status(call.messages.last) == .notServing)
        served.health.set("a.B", to: .serving)
        served.worker.settle()
        #expect(call.messages.count == 3)
        call.reset()
        #expect(served.worker.run { served.server.callCount == 0 })
    }
}
