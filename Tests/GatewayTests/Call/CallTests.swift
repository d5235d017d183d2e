import Bytes
import Calls
import Filters
import GRPC
import GatewayModel
import Reactor
import Routing
import Snapshots
import Testing
import Time

@testable import Gateway

@Suite struct CallTests {
    /// What `finish` leaves: the next `begin` sets these.
    private static let left: Set<String> = [
        "worker", "generation", "began", "timer", "attempt", "snapshot", "route", "policy", "facts",
    ]

    private static func texts(_ call: Call) -> [String: String] {
        var texts: [String: String] = [:]
        for child in Mirror(reflecting: call).children where !left.contains(child.label!) {
            texts[child.label!] = "\(child.value)"
        }
        return texts
    }

    @Test("a finished call is as a new one, field for field, but for its generation")
    func finish() throws {
        let house = try TestGateway()
        let worker = house.gateway
        let chunks = worker.chunks
        var arena: UInt8 = 0
        let call = worker.calls.records.acquire()
        defer { worker.calls.records.release(call) }
        let fresh = Self.texts(call.pointee)
        #expect(fresh.count > 22)

        for event: CallMachine.Event in [.arrived, .routed, .filtered, .head] { _ = call.machine.handle(event) }
        call.flags = [.requestEnded, .gatewayFailed]
        call.clientProtocol = .grpc
        call.filtersLeft = FilterList(.limits)
        [1, 2, 3].withUnsafeBytes { call.body.append($0, from: chunks) }
        call.bodyBytesMax = 10
        call.bodyConsumed = 1
        call.retry = RetryState(.retry(RetryPolicy(conditions: RetryConditions(), attempts: 2)))
        call.attempts = 2
        call.upstreamNanoseconds = 1
        call.deadline = Instant(nanoseconds: 1)
        [0, 0].withUnsafeBytes { call.boundary.pass($0) }
        call.outcome.record(flag: "DC", detail: "downstream_disconnect", .cancelled)
        call.recordShadow("rule")
        withUnsafeBytes(of: &arena) { call.requestID = $0 }
        call.origin = ClientOrigin(peer: nil)
        let before = Self.texts(call.pointee)
        #expect(before.filter { fresh[$0.key] != $0.value }.count >= 15)

        let generation = call.generation
        call.finish(pool: chunks, worker.calls.noCall)
        #expect(Self.texts(call.pointee) == fresh)
        #expect(call.generation == generation + 1)
        #expect(chunks.bytesInUse == 0)
    }
}
