import Testing

@testable import GRPC

/// One row of DESIGN's table, as a caller sees it.
struct ExpectedRow: Sendable, CustomTestStringConvertible {
    let cause: RefusalCause
    let code: StatusCode
    let http: Int
    let reason: String
    let flag: String
    /// Headers beyond status, content type and length, in both protocols.
    var headers: [String: String] = [:]
    var metadata: [String: String] = [:]

    var testDescription: String { "\(cause)" }
}

private func challenge(_ description: String) -> [String: String] {
    ["www-authenticate": "Bearer realm=\"martlet\", error=\"invalid_token\", error_description=\"\(description)\""]
}

let expectedRows: [ExpectedRow] = [
    .init(cause: .noRoute, code: .unimplemented, http: 404, reason: "ROUTE_NOT_FOUND", flag: "NR"),
    .init(
        cause: .methodNotAllowed(allow: "GET, POST"), code: .unimplemented, http: 405, reason: "METHOD_NOT_ALLOWED",
        flag: "NR", metadata: ["allow": "GET, POST"]),
    .init(
        cause: .unsupportedContentType, code: .unimplemented, http: 415, reason: "CONTENT_TYPE_UNSUPPORTED", flag: "NR"),
    .init(cause: .noMethod, code: .unimplemented, http: 404, reason: "METHOD_NOT_FOUND", flag: "NR"),
    .init(
        cause: .schemaUnknown(retryAfter: .seconds(2)), code: .unavailable, http: 503, reason: "SCHEMA_UNKNOWN", flag: "NR",
        headers: ["retry-after": "2"]),
    .init(cause: .bodyIsNotJSON, code: .unimplemented, http: 415, reason: "CONTENT_TYPE_UNSUPPORTED", flag: "NR"),
    .init(cause: .webSocket, code: .unimplemented, http: 501, reason: "WEBSOCKET_UNSUPPORTED", flag: "DPE"),
    .init(cause: .extendedConnect, code: .unimplemented, http: 501, reason: "CONNECT_UNSUPPORTED", flag: "DPE"),
    .init(cause: .callerNeedsHTTP2, code: .unimplemented, http: 505, reason: "HTTP2_REQUIRED", flag: "DPE"),
    .init(cause: .clusterSpeaksHTTP1, code: .unimplemented, http: 415, reason: "CLUSTER_SPEAKS_HTTP1", flag: "NR"),
    .init(
        cause: .unsupportedCompression(accepted: "identity"), code: .unimplemented, http: 415,
        reason: "COMPRESSION_UNSUPPORTED", flag: "TR", headers: ["grpc-accept-encoding": "identity"],
        metadata: ["accepted": "identity"]),

    .init(
        cause: .unauthenticated(.missing), code: .unauthenticated, http: 401, reason: "TOKEN_MISSING", flag: "JA",
        headers: ["www-authenticate": "Bearer realm=\"martlet\""]),
    .init(
        cause: .unauthenticated(.malformed), code: .unauthenticated, http: 401, reason: "TOKEN_MALFORMED", flag: "JA",
        headers: challenge("the token is malformed")),
    .init(
        cause: .unauthenticated(.expired), code: .unauthenticated, http: 401, reason: "TOKEN_EXPIRED", flag: "JA",
        headers: challenge("the token has expired")),
    .init(
        cause: .unauthenticated(.notYetValid), code: .unauthenticated, http: 401, reason: "TOKEN_NOT_YET_VALID",
        flag: "JA", headers: challenge("the token is not valid yet")),
    .init(
        cause: .unauthenticated(.unknownIssuer), code: .unauthenticated, http: 401, reason: "TOKEN_ISSUER_UNKNOWN",
        flag: "JA", headers: challenge("the token's issuer is not accepted")),
    .init(
        cause: .unauthenticated(.unknownKey), code: .unauthenticated, http: 401, reason: "TOKEN_KEY_UNKNOWN", flag: "JA",
        headers: challenge("no key of the issuer fits the token")),
    .init(
        cause: .unauthenticated(.badSignature), code: .unauthenticated, http: 401, reason: "TOKEN_SIGNATURE_INVALID",
        flag: "JA", headers: challenge("the token's signature is wrong")),
    .init(
        cause: .unauthenticated(.wrongAudience), code: .unauthenticated, http: 401, reason: "TOKEN_AUDIENCE_INVALID",
        flag: "JA", headers: challenge("the token is for another audience")),
    .init(
        cause: .unauthenticated(.invalidClaims), code: .unauthenticated, http: 401, reason: "TOKEN_CLAIMS_INVALID",
        flag: "JA", headers: challenge("the token's claims are not accepted")),
    .init(
        cause: .keySetUnavailable(retryAfter: nil), code: .unavailable, http: 503, reason: "KEY_SET_UNAVAILABLE", flag: "JA"),
    .init(
        cause: .failedLogins(retryAfter: .milliseconds(1)), code: .resourceExhausted, http: 429,
        reason: "TOO_MANY_FAILED_LOGINS", flag: "JA", headers: ["retry-after": "1"]),

    .init(cause: .permissionDenied(.rule), code: .permissionDenied, http: 403, reason: "PERMISSION_DENIED", flag: "AZ"),
    .init(
        cause: .permissionDenied(.scope(required: "orders.read orders.write")), code: .permissionDenied, http: 403,
        reason: "SCOPE_INSUFFICIENT", flag: "AZ",
        headers: [
            "www-authenticate":
                "Bearer realm=\"martlet\", error=\"insufficient_scope\", scope=\"orders.read orders.write\""
        ],
        metadata: ["scope": "orders.read orders.write"]),
    .init(cause: .permissionDenied(.tenantMissing), code: .permissionDenied, http: 403, reason: "TENANT_MISSING", flag: "AZ"),
    .init(cause: .permissionDenied(.planUnknown), code: .permissionDenied, http: 403, reason: "PLAN_UNKNOWN", flag: "AZ"),
    .init(cause: .permissionDenied(.tenantBlocked), code: .permissionDenied, http: 403, reason: "TENANT_BLOCKED", flag: "AZ"),

    .init(
        cause: .rateLimited(
            retryAfter: .milliseconds(1_001),
            limits: [.init(name: "secret", count: 50, windowSeconds: 1, remaining: 0, resetSeconds: 2, isExceeded: true)]),
        code: .resourceExhausted, http: 429, reason: "RATE_LIMITED", flag: "QE", headers: ["retry-after": "2"]),
    .init(
        cause: .rateLimited(retryAfter: .seconds(3), limits: []), code: .resourceExhausted, http: 429,
        reason: "RATE_LIMITED", flag: "QE", headers: ["retry-after": "3"]),
    .init(
        cause: .limitStoreUnavailable(retryAfter: .zero), code: .unavailable, http: 503, reason: "LIMIT_STORE_UNAVAILABLE",
        flag: "RLSE", headers: ["retry-after": "1"]),

    .init(
        cause: .noHealthyEndpoint(retryAfter: .seconds(5)), code: .unavailable, http: 503, reason: "NO_HEALTHY_ENDPOINT",
        flag: "UH", headers: ["retry-after": "5"]),
    .init(
        cause: .upstreamQueueFull(retryAfter: nil), code: .unavailable, http: 503, reason: "UPSTREAM_QUEUE_FULL", flag: "UO"),
    .init(cause: .limitKeyMissing, code: .invalidArgument, http: 400, reason: "LIMIT_KEY_MISSING", flag: "QE"),
    .init(cause: .retryBudgetExhausted, code: .unavailable, http: 503, reason: "RETRY_BUDGET_EXHAUSTED", flag: "UO"),
    .init(cause: .circuitFull(retryAfter: nil), code: .unavailable, http: 503, reason: "CIRCUIT_FULL", flag: "UO"),
    .init(
        cause: .circuitOpen(retryAfter: .seconds(5)), code: .unavailable, http: 503, reason: "CIRCUIT_OPEN", flag: "UO",
        headers: ["retry-after": "5"]),
    .init(
        cause: .overloaded(retryAfter: .seconds(1)), code: .unavailable, http: 503, reason: "OVERLOADED", flag: "OM",
        headers: ["retry-after": "1"]),
    .init(cause: .outOfSockets, code: .unavailable, http: 503, reason: "OVERLOADED", flag: "OM"),
    .init(cause: .connectFailed, code: .unavailable, http: 503, reason: "CONNECT_FAILED", flag: "UF"),
    .init(cause: .connectionLost, code: .unavailable, http: 503, reason: "CONNECTION_LOST", flag: "UC"),
    .init(
        cause: .upstreamReset(http2ErrorCode: 2), code: .internal, http: 502, reason: "UPSTREAM_RESET", flag: "UR",
        metadata: ["http2_error_code": "2"]),
    .init(
        cause: .upstreamReset(http2ErrorCode: 8), code: .cancelled, http: 502, reason: "UPSTREAM_RESET", flag: "UR",
        metadata: ["http2_error_code": "8"]),
    .init(
        cause: .upstreamReset(http2ErrorCode: 11), code: .resourceExhausted, http: 429, reason: "UPSTREAM_RESET",
        flag: "UR", metadata: ["http2_error_code": "11"]),
    .init(
        cause: .upstreamHeadTooLarge(bytesMax: 61440, fieldsMax: 100), code: .resourceExhausted, http: 502,
        reason: "UPSTREAM_HEAD_TOO_LARGE", flag: "UPE", metadata: ["bytes_max": "61440"]),
    .init(
        cause: .upstreamMalformedStatus(found: "x"), code: .unknown, http: 500, reason: "UPSTREAM_STATUS_INVALID", flag: "UPE"),
    .init(
        cause: .headTooLargeForUpstream(bytes: 9000, bytesMax: 8192), code: .resourceExhausted, http: 431,
        reason: "HEAD_TOO_LARGE_FOR_ENDPOINT", flag: "DPE", metadata: ["bytes_max": "8192"]),
    .init(
        cause: .headTooLargeForCaller(bytes: 9000, bytesMax: 8192), code: .resourceExhausted, http: 502,
        reason: "HEAD_TOO_LARGE_FOR_CALLER", flag: "UPE", metadata: ["bytes_max": "8192"]),
    .init(cause: .upstreamProtocolError, code: .internal, http: 502, reason: "UPSTREAM_PROTOCOL_ERROR", flag: "UPE"),
    .init(
        cause: .upstreamMalformedMessage(field: "a.b", problem: "has no JSON form"), code: .internal, http: 502,
        reason: "UPSTREAM_MESSAGE_INVALID", flag: "UPE"),
    .init(
        cause: .upstreamMessageTooLarge(bytesMax: 4096), code: .resourceExhausted, http: 429,
        reason: "UPSTREAM_MESSAGE_TOO_LARGE", flag: "UPE", metadata: ["bytes_max": "4096"]),
    .init(
        cause: .upstreamWithoutStatus(httpStatus: 404), code: .unimplemented, http: 501, reason: "UPSTREAM_STATUS_MISSING",
        flag: "UPE", metadata: ["http_status": "404"]),
    .init(
        cause: .upstreamWithoutStatus(httpStatus: 200), code: .unknown, http: 500, reason: "UPSTREAM_STATUS_MISSING",
        flag: "UPE", metadata: ["http_status": "200"]),

    .init(
        cause: .faultInjected(.aborted, httpStatus: 555), code: .aborted, http: 555, reason: "FAULT_INJECTED", flag: "FI"),

    .init(
        cause: .deadlineExceeded(.filters), code: .deadlineExceeded, http: 504, reason: "DEADLINE_EXCEEDED", flag: "DT",
        metadata: ["stage": "filters"]),
    .init(
        cause: .deadlineExceeded(.connect), code: .deadlineExceeded, http: 504, reason: "DEADLINE_EXCEEDED", flag: "UT",
        metadata: ["stage": "connect"]),
    .init(
        cause: .deadlineExceeded(.response), code: .deadlineExceeded, http: 504, reason: "DEADLINE_EXCEEDED", flag: "UT",
        metadata: ["stage": "response"]),
    .init(
        cause: .deadlineExceeded(.stream), code: .deadlineExceeded, http: 504, reason: "DEADLINE_EXCEEDED", flag: "DT",
        metadata: ["stage": "stream"]),
    .init(
        cause: .slowRequestBody, code: .deadlineExceeded, http: 408, reason: "REQUEST_BODY_TOO_SLOW", flag: "SI"),
    .init(
        cause: .streamIdle, code: .deadlineExceeded, http: 504, reason: "STREAM_IDLE", flag: "SI"),

    .init(
        cause: .messageTooLarge(bytesMax: 4096), code: .resourceExhausted, http: 413, reason: "MESSAGE_TOO_LARGE",
        flag: "DPE", metadata: ["bytes_max": "4096"]),
    .init(
        cause: .compressedTooMuch(ratioMax: 100), code: .resourceExhausted, http: 413, reason: "COMPRESSED_TOO_MUCH",
        flag: "DPE", metadata: ["ratio_max": "100"]),
    .init(
        cause: .headTooLarge(bytesMax: 61_440, fieldsMax: 100), code: .resourceExhausted, http: 431, reason: "HEAD_TOO_LARGE",
        flag: "DPE", metadata: ["bytes_max": "61440"]),
    .init(cause: .badPath, code: .invalidArgument, http: 400, reason: "PATH_INVALID", flag: "DPE"),
    .init(
        cause: .malformedHead, code: .invalidArgument, http: 400, reason: "HEAD_INVALID", flag: "DPE"),
    .init(cause: .methodCase, code: .invalidArgument, http: 400, reason: "METHOD_CASE", flag: "DPE"),
    .init(cause: .hostMismatch, code: .invalidArgument, http: 400, reason: "HOST_MISMATCH", flag: "DPE"),
    .init(cause: .misdirected, code: .failedPrecondition, http: 421, reason: "MISDIRECTED_REQUEST", flag: "DPE"),
    .init(cause: .malformedTimeout, code: .invalidArgument, http: 400, reason: "TIMEOUT_INVALID", flag: "DPE"),
    .init(cause: .malformedConnectTimeout, code: .invalidArgument, http: 400, reason: "TIMEOUT_INVALID", flag: "DPE"),
    .init(
        cause: .unsupportedConnectVersion, code: .invalidArgument, http: 400, reason: "CONNECT_VERSION_UNSUPPORTED", flag: "DPE"),
    .init(
        cause: .malformedMessage(field: "a.b", problem: "not a number"), code: .invalidArgument, http: 400,
        reason: "MESSAGE_INVALID", flag: "TR"),
    .init(
        cause: .shuttingDown, code: .unavailable, http: 503, reason: "SHUTTING_DOWN", flag: "LR"),
    .init(
        cause: .connectionTooOld, code: .unavailable, http: 503, reason: "CONNECTION_TOO_OLD", flag: "DT"),
    .init(
        cause: .internalError, code: .internal, http: 500, reason: "INTERNAL_ERROR", flag: "-"),
]

@Suite struct RefusalTableTests {
    @Test("every cause has the status, code, reason and flag of its row", arguments: expectedRows)
    func row(expected: ExpectedRow) {
        let row = expected.cause.row
        #expect(row.code == expected.code)
        #expect(row.httpStatus == expected.http)
        #expect(row.reason.text == expected.reason)
        #expect(row.flag.text == expected.flag)
    }

    @Test("reasons, messages and log words are well-formed", arguments: expectedRows)
    func wellFormed(expected: ExpectedRow) {
        let row = expected.cause.row
        #expect(row.reason.text.wholeMatch(of: /[A-Z][A-Z0-9_]{2,62}/) != nil)
        #expect(row.detail.text.wholeMatch(of: /[a-z][a-z0-9_]+/) != nil)
        // Some stand inside a quoted error_description.
        #expect(row.message.text.wholeMatch(of: /[ -~]+/) != nil)
        #expect(!row.message.text.contains("\"") && !row.message.text.contains("\\"))
    }

    @Test("causes that differ to the log have different words there")
    func distinct() {
        var reasonOfDetail: [String: String] = [:]
        for expected in expectedRows {
            let row = expected.cause.row
            #expect(reasonOfDetail.updateValue(row.reason.text, forKey: row.detail.text) ?? row.reason.text == row.reason.text)
        }
    }
}
