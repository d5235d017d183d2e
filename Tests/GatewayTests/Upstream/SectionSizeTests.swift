import Balancing
import Bytes
import GRPCTesting
import HTTPModel
import Testing
import Transport
import Upstreams

@testable import Gateway

/// Heads and trailers that are larger than one side or the other takes.
@Suite struct SectionSizeTests {
    private func house(
        guards: GuardSettings = GuardSettings(), backend change: (inout ConnectionLimits) -> Void = { _ in }
    ) throws -> (TestGateway, TestBackend) {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside, change: change)
        try gateway.adopt([.address(backend.address)], generation: 2) { plan, _ in
            plan.record = gateway.registry.record("backend", guards)
        }
        return (gateway, backend)
    }

    private let details = ("grpc-status-details-bin", String(repeating: "d", count: 60 << 10))

    @Test("an answer's status and message survive trailers that are too large, in the head or behind it", arguments: [true, false])
    func trailersTooLarge(inHead: Bool) throws {
        let (gateway, backend) = try house()
        let caller = try gateway.caller()
        let held = caller.begin("/hold.S/Other", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        backend.script = [.fields([details, ("grpc-status", "9"), ("grpc-message", "not%20yet"), ("x", "y")], inHead: inHead)]
        let call = caller.unary("/a.S/Call", [1])
        #expect(call.status == "9")
        #expect(call.field("grpc-message") == "not%20yet")
        #expect(call.field("grpc-status-details-bin") == "")
        backend.script = [
            .fields((0..<101).map { ("x-\($0)", "v") } + [("grpc-status", "5"), ("grpc-message", "gone")], inHead: inHead)
        ]
        #expect(caller.unary("/a.S/Call", [1]).status == "5")
        // The other call, and their connection, noticed nothing.
        backend.answer(backend.held[0])
        #expect(gateway.run { held.status == "0" })
        #expect(backend.accepted == 1)
        #expect(gateway.counts("martlet_upstream_events_total")["details_dropped"] == 2)
    }

    @Test("a long message is cut at a character's edge")
    func messageTooLong() throws {
        let (gateway, backend) = try house()
        let message = String(repeating: "a", count: 4095) + String(repeating: "%C3%A9", count: 10_000)
        backend.script = [
            .fields([("grpc-status", "9"), ("grpc-message", message), ("x", String(repeating: "y", count: 1000))], inHead: false)
        ]
        let call = try gateway.caller().unary("/a.S/Call", [1])
        #expect(call.status == "9")
        #expect(call.field("grpc-message") == String(repeating: "a", count: 4095))
    }

    @Test("an answer whose head is too large is refused by itself, and ejects no endpoint")
    func headTooLarge() throws {
        var guards = GuardSettings()
        guards.errors = BreakerSettings(failurePercent: 1, callsMin: 1, window: .seconds(10), openFor: .seconds(5), probes: 1)
        let (gateway, backend) = try house(guards: guards)
        let caller = try gateway.caller()
        for _ in 0..<3 {
            backend.script = [.headWith([("x", String(repeating: "y", count: 60 << 10))])]
            let call = caller.unary("/a.S/Call", [1])
            #expect(call.status == "8")
            #expect(call.field("grpc-message").contains("at most 100 fields and 61440 bytes"))
        }
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
        #expect(backend.accepted == 1)
    }

    @Test(
        "a section beyond every range ends its connection, which counts by its reason and against no endpoint",
        arguments: [
            // A string that nghttp2 does not read, and a section beyond 256 KiB.
            (1, 70_000, "header_compression"), (6, 50_000, "header_section_too_large"),
        ])
    func beyond(fields: Int, bytes: Int, reason: String) throws {
        var guards = GuardSettings()
        guards.errors = BreakerSettings(failurePercent: 1, callsMin: 1, window: .seconds(10), openFor: .seconds(5), probes: 1)
        let (gateway, backend) = try house(guards: guards)
        let caller = try gateway.caller()
        let held = caller.begin("/hold.S/Other", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        backend.script = [
            .fields([("grpc-status", "9")] + (0..<fields).map { ("x-\($0)", String(repeating: "~", count: bytes)) }, inHead: false)
        ]
        #expect(caller.unary("/a.S/Call", [1]).status == "14")
        #expect(gateway.run { held.isOver })
        #expect(held.status == "14")
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
        #expect(gateway.counts("martlet_connections_ended_total") == ["upstream": 1])
        #expect(backend.accepted == 2)
    }

    @Test("a call whose head an endpoint does not take is refused in words, and harms no other; what the gateway adds counts")
    func upstreamTakesLess() throws {
        let (gateway, backend) = try house { $0.fieldListBytes = 8192 }
        let caller = try gateway.caller()
        let held = caller.begin("/hold.S/Other", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        let call = caller.unary("/a.S/Call", [1], [("x", String(repeating: "v", count: 20 << 10))])
        #expect(call.status == "8")
        #expect(call.field("grpc-message").hasPrefix("the headers are too large for the endpoint: 2"))
        #expect(call.field("grpc-message").hasSuffix(" bytes, at most 8192"))
        // Fits by itself, but not with what is added.
        let near = caller.unary("/a.S/Call", [1], [("x", String(repeating: "v", count: 7800))])
        #expect(near.status == "8")
        #expect(caller.unary("/a.S/Call", [1], [("x", String(repeating: "v", count: 7000))]).status == "0")
        backend.answer(backend.held[0])
        #expect(gateway.run { held.status == "0" })
        #expect(backend.accepted == 1)
        #expect(backend.paths == ["/hold.S/Other", "/a.S/Call"])
        #expect(gateway.endpoints[0].activeCount == 0)
    }

    @Test("trailers of a request that an endpoint does not take are refused as its head is")
    func upstreamTakesLessTrailers() throws {
        let (gateway, backend) = try house { $0.fieldListBytes = 8192 }
        let caller = try gateway.caller()
        let call = caller.begin("/hold.S/Call")
        #expect(gateway.run { backend.held.count == 1 })
        let stream = call.stream!
        var fields = [("x-checksum", String(repeating: "v", count: 9000))].map { name, value in
            stream.fields.append(name, value)
            return stream.fields[stream.fields.count - 1]
        }
        fields.withUnsafeMutableBufferPointer { fields in
            let kept = stream.fields.reserveFields(fields.count)
            _ = kept.initialize(from: fields)
            caller.connection.finish(stream, trailers: kept)
        }
        #expect(gateway.run { call.isOver })
        #expect(call.status == "8")
        #expect(gateway.run { backend.held.isEmpty })
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
        #expect(backend.accepted == 1)
    }

    @Test("a caller that takes little gets the status, and of the rest what fits")
    func callerTakesLess() throws {
        let (gateway, backend) = try house()
        let caller = try gateway.caller(limits: .with { $0.fieldListBytes = 2048 })
        backend.script = [
            .fields(
                [("grpc-status", "9"), ("grpc-message", "no"), ("grpc-status-details-bin", String(repeating: "d", count: 3000))],
                inHead: false)
        ]
        let call = caller.unary("/a.S/Call", [1])
        #expect(call.status == "9" && call.field("grpc-message") == "no" && call.field("grpc-status-details-bin") == "")
        backend.script = [.fields([("grpc-status", "9"), ("grpc-message", String(repeating: "m", count: 3000))], inHead: false)]
        #expect(caller.unary("/a.S/Call", [1]).field("grpc-message").utf8.count == 2048 - 44 - 44)
        backend.script = [.fields([("grpc-status", "9"), ("x", String(repeating: "m", count: 3000))], inHead: true)]
        #expect(caller.unary("/a.S/Call", [1]).status == "9")
        backend.script = [.headWith([("x", String(repeating: "m", count: 3000))])]
        let refused = caller.unary("/a.S/Call", [1])
        #expect(refused.status == "8")
        #expect(refused.field("grpc-message").contains("at most 2048"))
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
        // So little that a refusal itself does not fit.
        let meagre = try gateway.caller(limits: .with { $0.fieldListBytes = 200 })
        backend.script = [.headWith([("x", String(repeating: "m", count: 300))])]
        #expect(meagre.unary("/a.S/Call", [1]).status == "8")
        #expect(backend.accepted == 1)
    }
}
