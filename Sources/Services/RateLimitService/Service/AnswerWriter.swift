internal import Bytes
internal import GRPC
internal import RateLimit

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
            // Nothing is known of it where another limit was known to refuse.
            let verdict = decision.verdict(check)
            let isOver = !check.isShadow && verdict?.isAllowed == false
            WireWriter.field(1, varint: isOver ? overLimit : ok, into: &reply)
            let limit = WireWriter.open(2, in: &reply)
            WireWriter.field(1, varint: UInt64(check.requests), into: &reply)
            WireWriter.field(2, varint: UInt64(check.unit.rawValue), into: &reply)
            if check.rule >= 0, let tree = decision.tree {
                tree.rules[check.rule].name.withUnsafeBytes { WireWriter.field(3, bytes: $0, into: &reply) }
            }
            WireWriter.close(limit, in: &reply)
            WireWriter.field(3, varint: min(verdict?.remaining ?? 0, UInt64(check.requests)), into: &reply)
            let reset = WireWriter.open(4, in: &reply)
            WireWriter.field(1, varint: check.seconds - decision.second % check.seconds, into: &reply)
            WireWriter.close(reset, in: &reply)
        }
    }
}
