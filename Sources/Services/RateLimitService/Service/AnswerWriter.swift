internal import Bytes
internal import GRPC

/// Writes an `envoy.service.ratelimit.v3.RateLimitResponse`, by hand because it is written once a request; a test holds it
/// equal to the generated message.
enum AnswerWriter {
    private static let ok: UInt64 = 1
    private static let overLimit: UInt64 = 2

    static func write(_ decision: LimitDecision, to reply: inout ByteBuffer) {
        WireWriter.field(1, varint: decision.isOverLimit ? overLimit : ok, into: &reply)
        for check in decision.checks {
            let place = WireWriter.open(2, in: &reply)
            writeStatus(check, decision, &reply)
            WireWriter.close(place, in: &reply)
        }
    }

    private static func writeStatus(
        _ check: LimitDecision.Check, _ decision: LimitDecision, _ reply: inout ByteBuffer
    ) {
        switch check.kind {
        case .none:
            WireWriter.field(1, varint: ok, into: &reply)
        case .unlimited:
            WireWriter.field(1, varint: ok, into: &reply)
            WireWriter.field(3, varint: UInt64(UInt32.max), into: &reply)
        case .counted:
            // Not counted: there is nothing to say but OK.
            guard decision.outcome == .counted else { return WireWriter.field(1, varint: ok, into: &reply) }
            let counter = decision.counters[check.counter]
            WireWriter.field(1, varint: !check.isShadow && decision.isOver(check) ? overLimit : ok, into: &reply)
            let limit = WireWriter.open(2, in: &reply)
            WireWriter.field(1, varint: UInt64(check.requests), into: &reply)
            WireWriter.field(2, varint: UInt64(check.unit.rawValue), into: &reply)
            if check.rule >= 0, let tree = decision.tree {
                tree.rules[check.rule].name.withUnsafeBytes { WireWriter.field(3, bytes: $0, into: &reply) }
            }
            WireWriter.close(limit, in: &reply)
            let left = UInt64(check.requests) - min(counter.sum, UInt64(check.requests))
            WireWriter.field(3, varint: left, into: &reply)
            let reset = WireWriter.open(4, in: &reply)
            WireWriter.field(1, varint: counter.start + counter.seconds - decision.second, into: &reply)
            WireWriter.close(reset, in: &reply)
        }
    }
}
