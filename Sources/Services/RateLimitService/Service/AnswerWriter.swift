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
        if let headers = decision.tree?.answers.headers, let tightest = decision.tightest {
            write(headers.limit, UInt64(tightest.requests), to: &reply)
            write(headers.remaining, remaining(tightest, decision), to: &reply)
            write(headers.reset, decision.resetSeconds(tightest), to: &reply)
        }
    }

    private static func write(_ header: String, _ number: UInt64, to reply: inout ByteBuffer) {
        let place = WireWriter.open(3, in: &reply)
        var header = header
        header.withUTF8 { WireWriter.field(1, bytes: UnsafeRawBufferPointer($0), into: &reply) }
        let value = WireWriter.open(2, in: &reply)
        reply.append(decimal: number)
        WireWriter.close(value, in: &reply)
        WireWriter.close(place, in: &reply)
    }

    private static func remaining(_ check: LimitDecision.Check, _ decision: LimitDecision) -> UInt64 {
        min(decision.verdict(check)?.remaining ?? 0, UInt64(check.requests))
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
            WireWriter.field(3, varint: remaining(check, decision), into: &reply)
            let reset = WireWriter.open(4, in: &reply)
            WireWriter.field(1, varint: decision.resetSeconds(check), into: &reply)
            WireWriter.close(reset, in: &reply)
        }
    }
}
