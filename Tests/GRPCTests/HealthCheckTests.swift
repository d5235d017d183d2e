import Bytes
import Messages
import SwiftProtobuf
import Testing

@testable import GRPC

@Suite struct HealthCheckTests {
    @Test("a request is the generated message's bytes, and reads back", arguments: ["", "acme.Orders"])
    func request(service: String) throws {
        var buffer = ByteBuffer()
        withBytes(service) { HealthCheck.appendRequest(service: $0, to: &buffer) }
        let generated = Grpc_Health_V1_HealthCheckRequest.with { $0.service = service }
        #expect(buffer.array == (try generated.serializedBytes()))
        #expect(try Array(HealthCheck.service(inRequest: buffer.readable)) == Array(service.utf8))
    }

    @Test(
        "a response is the generated message's bytes, and reads back",
        arguments: [
            (HealthCheck.ServingStatus.unknown, Grpc_Health_V1_HealthCheckResponse.ServingStatus.unknown),
            (.serving, .serving), (.notServing, .notServing), (.serviceUnknown, .serviceUnknown),
        ])
    func response(
        status: HealthCheck.ServingStatus, generated: Grpc_Health_V1_HealthCheckResponse.ServingStatus
    ) throws {
        var buffer = ByteBuffer()
        HealthCheck.appendResponse(status, to: &buffer)
        #expect(buffer.array == (try Grpc_Health_V1_HealthCheckResponse.with { $0.status = generated }.serializedBytes()))
        #expect(try HealthCheck.status(inResponse: buffer.readable) == status)
    }

    @Test("a status that is not known is unknown, and a malformed one an error")
    func odd() throws {
        let status = try [UInt8(0x08), 0x63].withUnsafeBytes { try HealthCheck.status(inResponse: $0) }
        #expect(status == .unknown)
        _ = [UInt8(0x08)].withUnsafeBytes { bytes in
            #expect(throws: WireReader.Failure.truncated) { try HealthCheck.status(inResponse: bytes) }
        }
    }
}
