internal import Bytes

/// What a refusal tells programs: `google.rpc` details, once as protobuf and once as JSON.
///
/// Everything that has no bound of its own (names from the configuration, field paths) is in the parts that can be left
/// out, so that the rest always fits.
struct RefusalDetails {
    /// What is written of them.
    enum Extent {
        case everything
        /// Without QuotaFailure and BadRequest.
        case withoutViolations
        /// ErrorInfo without metadata, and RetryInfo.
        case least

        var less: Extent? {
            switch self {
            case .everything: .withoutViolations
            case .withoutViolations: .least
            case .least: nil
            }
        }
    }

    enum Value {
        case text(StaticString)
        case string(String)
        case number(UInt64)
    }

    static let domain: StaticString = "martlet"

    let reason: StaticString
    var rule: String?
    /// The one fact that belongs to the cause: a stage, a limit, a scope.
    var fact: (key: StaticString, value: Value)?
    var retryDelay: Duration?
    var limits: [LimitState] = []
    var fieldViolation: (field: String, description: String)?

    init(_ refusal: Refusal) {
        reason = refusal.row.reason
        rule = refusal.exposesRule ? refusal.rule : nil
        switch refusal.cause {
        case .keySetUnavailable(let delay), .noHealthyEndpoint(let delay), .upstreamQueueFull(let delay),
            .circuitFull(let delay), .overloaded(let delay), .schemaUnknown(let delay):
            retryDelay = delay
        case .failedLogins(let delay), .limitStoreUnavailable(let delay), .circuitOpen(let delay): retryDelay = delay
        case .rateLimited(let delay, let states):
            retryDelay = delay
            limits = states
        case .permissionDenied(.scope(let required)): fact = ("scope", .string(required))
        case .methodNotAllowed(let allow): fact = ("allow", .string(allow))
        case .unsupportedCompression(let accepted): fact = ("accepted", .string(accepted))
        case .compressedTooMuch(let ratio): fact = ("ratio_max", .number(UInt64(clamping: ratio)))
        case .upstreamMessageTooLarge(let bytes): fact = ("bytes_max", .number(UInt64(clamping: bytes)))
        // Whose field it is, is not the caller's.
        case .upstreamMalformedMessage, .upstreamMalformedStatus: break
        case .upstreamWithoutStatus(let status): fact = ("http_status", .number(UInt64(clamping: status)))
        case .upstreamReset(let code): fact = ("http2_error_code", .number(UInt64(code)))
        case .deadlineExceeded(let stage): fact = ("stage", .text(stage.name))
        case .messageTooLarge(let bytes), .headTooLarge(let bytes, _), .upstreamHeadTooLarge(let bytes, _):
            fact = ("bytes_max", .number(UInt64(clamping: bytes)))
        case .headTooLargeForUpstream(_, let bytesMax), .headTooLargeForCaller(_, let bytesMax):
            fact = ("bytes_max", .number(UInt64(clamping: bytesMax)))
        case .malformedTimeout: fieldViolation = ("grpc-timeout", "expected one to eight digits and one of H M S m u n")
        case .malformedConnectTimeout: fieldViolation = ("connect-timeout-ms", "expected one to ten digits")
        case .unsupportedConnectVersion: fieldViolation = ("connect-protocol-version", "expected 1")
        case .malformedMessage(let field, let problem): fieldViolation = (field, problem)
        case .noRoute, .noMethod, .unsupportedContentType, .bodyIsNotJSON, .callerNeedsHTTP2, .webSocket,
            .extendedConnect, .clusterSpeaksHTTP1,
            .unauthenticated, .permissionDenied, .limitKeyMissing, .retryBudgetExhausted, .outOfSockets, .connectFailed,
            .connectionLost,
            .upstreamProtocolError,
            .slowRequestBody,
            .streamIdle, .badPath, .malformedHead, .methodCase, .hostMismatch, .misdirected, .faultInjected, .shuttingDown,
            .connectionTooOld, .internalError:
            break
        }
    }

    var someLimitIsExceeded: Bool { limits.contains { $0.isExceeded } }

    /// A delay in the parts that `google.protobuf.Duration` has; negative ones are none.
    static func parts(of delay: Duration) -> (seconds: UInt64, nanoseconds: UInt64) {
        let (seconds, attoseconds) = delay.components
        guard seconds >= 0, attoseconds >= 0 else { return (0, 0) }
        return (UInt64(seconds), UInt64(attoseconds / 1_000_000_000))
    }

    /// The sentence about an exceeded limit.
    static func appendDescription(of limit: LimitState, to buffer: inout ByteBuffer) {
        buffer.append(decimal: limit.quota)
        guard let window = limit.windowSeconds else { return buffer.append(" at once") }
        buffer.append(" in ")
        buffer.append(decimal: window)
        buffer.append(" s")
    }
}
