/// The one table of refusals: for every cause, what goes to the caller and what to the log.
///
/// HTTP status, gRPC code and public reason are chosen here and nowhere else.
package struct RefusalRow: Sendable {
    package let code: StatusCode
    /// For callers who do not speak gRPC; those who do always get 200.
    package let httpStatus: Int
    /// `ErrorInfo.reason`: stable and public.
    package let reason: StaticString
    /// The message, or its beginning.
    package let message: StaticString
    /// Envoy's short response flag, or one of ours; `-` for none.
    package let flag: StaticString
    /// The access log's word for what happened: Envoy's response code detail where it has one.
    package let detail: StaticString

    init(
        _ code: StatusCode, _ httpStatus: Int, _ reason: StaticString, _ message: StaticString,
        flag: StaticString, detail: StaticString
    ) {
        self.code = code
        self.httpStatus = httpStatus
        self.reason = reason
        self.message = message
        self.flag = flag
        self.detail = detail
    }
}

extension RefusalCause {
    /// Exhaustive on purpose: a new cause does not compile before it has its row.
    package var row: RefusalRow {
        switch self {
        case .noRoute:
            RefusalRow(
                .unimplemented, 404, "ROUTE_NOT_FOUND", "no route takes this call", flag: "NR", detail: "route_not_found")
        case .methodNotAllowed:
            RefusalRow(
                .unimplemented, 405, "METHOD_NOT_ALLOWED", "this path does not take this method",
                flag: "NR", detail: "method_not_allowed")
        case .noMethod:
            RefusalRow(
                .unimplemented, 404, "METHOD_NOT_FOUND", "no method is called by this path", flag: "NR",
                detail: "method_not_found")
        case .schemaUnknown:
            RefusalRow(
                .unavailable, 503, "SCHEMA_UNKNOWN", "the methods of this service are not known yet", flag: "NR",
                detail: "schema_unknown")
        case .bodyIsNotJSON:
            RefusalRow(
                .unimplemented, 415, "CONTENT_TYPE_UNSUPPORTED",
                "the body is read as JSON, expected content-type application/json", flag: "NR", detail: "content_type_not_json")
        case .unsupportedContentType:
            RefusalRow(
                .unimplemented, 415, "CONTENT_TYPE_UNSUPPORTED", "this content type is not served here",
                flag: "NR", detail: "content_type_unsupported")
        case .callerNeedsHTTP2:
            RefusalRow(
                .unimplemented, 505, "HTTP2_REQUIRED", "gRPC needs HTTP/2; over HTTP/1.1, gRPC-Web and Connect are served",
                flag: "DPE", detail: "http2_required")
        case .webSocket:
            RefusalRow(
                .unimplemented, 501, "WEBSOCKET_UNSUPPORTED", "WebSocket is not served by this gateway",
                flag: "DPE", detail: "websocket_unsupported")
        case .extendedConnect:
            RefusalRow(
                .unimplemented, 501, "CONNECT_UNSUPPORTED", "this gateway opens no tunnels for other protocols",
                flag: "DPE", detail: "connect_unsupported")
        case .clusterSpeaksHTTP1:
            RefusalRow(
                .unimplemented, 415, "CLUSTER_SPEAKS_HTTP1", "this route leads to a cluster that speaks HTTP/1.1, not gRPC",
                flag: "NR", detail: "cluster_speaks_http1")
        case .unsupportedCompression:
            RefusalRow(
                .unimplemented, 415, "COMPRESSION_UNSUPPORTED", "the message is compressed in a way that is not supported",
                flag: "TR", detail: "compression_unsupported")

        case .unauthenticated(let fault): fault.row
        case .keySetUnavailable:
            RefusalRow(
                .unavailable, 503, "KEY_SET_UNAVAILABLE", "the issuer's keys are not available yet",
                flag: "JA", detail: "jwks_unavailable")
        case .failedLogins:
            RefusalRow(
                .resourceExhausted, 429, "TOO_MANY_FAILED_LOGINS", "too many invalid tokens from this address",
                flag: "JA", detail: "failed_logins")
        case .permissionDenied(let denial): denial.row
        case .rateLimited:
            RefusalRow(
                .resourceExhausted, 429, "RATE_LIMITED", "over the rate limit", flag: "QE", detail: "request_rate_limited")
        case .limitKeyMissing:
            RefusalRow(
                .invalidArgument, 400, "LIMIT_KEY_MISSING", "the request lacks what its rate limit counts by", flag: "QE",
                detail: "limit_key_missing")
        case .limitStoreUnavailable:
            RefusalRow(
                .unavailable, 503, "LIMIT_STORE_UNAVAILABLE", "the rate limit cannot be checked at the moment",
                flag: "RLSE", detail: "rate_limiter_error")

        case .noHealthyEndpoint:
            RefusalRow(
                .unavailable, 503, "NO_HEALTHY_ENDPOINT", "no healthy endpoint", flag: "UH", detail: "no_healthy_upstream")
        case .upstreamQueueFull:
            RefusalRow(
                .unavailable, 503, "UPSTREAM_QUEUE_FULL", "too many calls are waiting for an endpoint",
                flag: "UO", detail: "upstream_queue_full")
        case .retryBudgetExhausted:
            RefusalRow(
                .unavailable, 503, "RETRY_BUDGET_EXHAUSTED", "too many calls are being retried", flag: "UO",
                detail: "retry_budget_exhausted")
        case .circuitFull:
            RefusalRow(
                .unavailable, 503, "CIRCUIT_FULL", "too much is under way to the endpoints", flag: "UO", detail: "overflow")
        case .circuitOpen:
            RefusalRow(
                .unavailable, 503, "CIRCUIT_OPEN", "the endpoints fail too often at the moment",
                flag: "UO", detail: "circuit_open")
        case .overloaded:
            RefusalRow(.unavailable, 503, "OVERLOADED", "the gateway is overloaded", flag: "OM", detail: "overload")
        case .outOfSockets:
            RefusalRow(
                .unavailable, 503, "OVERLOADED", "the gateway has no socket left to connect with", flag: "OM",
                detail: "out_of_sockets")
        case .connectFailed:
            RefusalRow(
                .unavailable, 503, "CONNECT_FAILED", "cannot connect to the endpoint",
                flag: "UF", detail: "upstream_connection_failure")
        case .connectionLost:
            RefusalRow(
                .unavailable, 503, "CONNECTION_LOST", "the connection to the endpoint was lost",
                flag: "UC", detail: "upstream_connection_termination")
        case .upstreamReset(let http2ErrorCode): Self.resetRow(StatusCode(http2ErrorCode: http2ErrorCode))
        case .upstreamProtocolError:
            RefusalRow(
                .internal, 502, "UPSTREAM_PROTOCOL_ERROR", "the endpoint broke the protocol",
                flag: "UPE", detail: "upstream_protocol_error")
        case .upstreamHeadTooLarge:
            RefusalRow(
                .resourceExhausted, 502, "UPSTREAM_HEAD_TOO_LARGE", "the headers of the endpoint's answer are too large",
                flag: "UPE", detail: "response_headers_too_large")
        case .upstreamMalformedMessage:
            RefusalRow(
                .internal, 502, "UPSTREAM_MESSAGE_INVALID", "the endpoint's answer cannot be converted",
                flag: "UPE", detail: "upstream_malformed_message")
        case .upstreamMessageTooLarge:
            RefusalRow(
                .resourceExhausted, 429, "UPSTREAM_MESSAGE_TOO_LARGE", "the endpoint's answer is too large to be converted",
                flag: "UPE", detail: "response_payload_too_large")
        case .upstreamWithoutStatus(let httpStatus):
            Self.statuslessRow(StatusCode(httpStatusWithoutGRPCStatus: httpStatus))
        case .upstreamMalformedStatus:
            RefusalRow(
                .unknown, 500, "UPSTREAM_STATUS_INVALID", "the endpoint's grpc-status is no status code",
                flag: "UPE", detail: "upstream_grpc_status_invalid")

        case .faultInjected(let code, let httpStatus):
            RefusalRow(
                code, httpStatus, "FAULT_INJECTED", "this call fails on purpose", flag: "FI", detail: "fault_filter_abort")

        case .deadlineExceeded(let stage): stage.row
        case .slowRequestBody:
            RefusalRow(
                .deadlineExceeded, 408, "REQUEST_BODY_TOO_SLOW", "the request came too slowly",
                flag: "SI", detail: "request_body_timeout")
        case .streamIdle:
            RefusalRow(
                .deadlineExceeded, 504, "STREAM_IDLE", "nothing was sent for too long",
                flag: "SI", detail: "stream_idle_timeout")

        case .messageTooLarge:
            RefusalRow(
                .resourceExhausted, 413, "MESSAGE_TOO_LARGE", "the message is too large",
                flag: "DPE", detail: "request_payload_too_large")
        case .compressedTooMuch:
            RefusalRow(
                .resourceExhausted, 413, "COMPRESSED_TOO_MUCH", "the body is compressed too much",
                flag: "DPE", detail: "request_compressed_too_much")
        case .headTooLarge:
            RefusalRow(
                .resourceExhausted, 431, "HEAD_TOO_LARGE", "the headers are too large",
                flag: "DPE", detail: "request_headers_too_large")
        case .headTooLargeForUpstream:
            RefusalRow(
                .resourceExhausted, 431, "HEAD_TOO_LARGE_FOR_ENDPOINT", "the headers are too large for the endpoint",
                flag: "DPE", detail: "request_headers_too_large_for_upstream")
        case .headTooLargeForCaller:
            RefusalRow(
                .resourceExhausted, 502, "HEAD_TOO_LARGE_FOR_CALLER", "the headers of the answer are too large for the caller",
                flag: "UPE", detail: "response_headers_too_large_for_downstream")
        case .badPath:
            RefusalRow(
                .invalidArgument, 400, "PATH_INVALID", "the path is not accepted",
                flag: "DPE", detail: "path_normalization_failed")
        case .malformedHead:
            RefusalRow(
                .invalidArgument, 400, "HEAD_INVALID", "the request is malformed",
                flag: "DPE", detail: "malformed_request")
        case .methodCase:
            RefusalRow(
                .invalidArgument, 400, "METHOD_CASE", "the HTTP method is not written in capital letters",
                flag: "DPE", detail: "method_case")
        case .hostMismatch:
            RefusalRow(
                .invalidArgument, 400, "HOST_MISMATCH", "host and :authority differ", flag: "DPE", detail: "host_mismatch")
        case .misdirected:
            RefusalRow(
                .failedPrecondition, 421, "MISDIRECTED_REQUEST", "this connection may not be used for this authority",
                flag: "DPE", detail: "misdirected_request")
        case .malformedTimeout:
            RefusalRow(
                .invalidArgument, 400, "TIMEOUT_INVALID", "grpc-timeout is malformed, or there twice",
                flag: "DPE", detail: "grpc_timeout_malformed")
        case .malformedConnectTimeout:
            RefusalRow(
                .invalidArgument, 400, "TIMEOUT_INVALID", "connect-timeout-ms is malformed, or there twice",
                flag: "DPE", detail: "connect_timeout_malformed")
        case .unsupportedConnectVersion:
            RefusalRow(
                .invalidArgument, 400, "CONNECT_VERSION_UNSUPPORTED", "connect-protocol-version is not 1",
                flag: "DPE", detail: "connect_version_unsupported")
        case .malformedMessage:
            RefusalRow(
                .invalidArgument, 400, "MESSAGE_INVALID", "the message is malformed", flag: "TR", detail: "malformed_message")

        case .shuttingDown:
            RefusalRow(
                .unavailable, 503, "SHUTTING_DOWN", "the gateway is shutting down", flag: "LR", detail: "drain_timeout")
        case .connectionTooOld:
            RefusalRow(
                .unavailable, 503, "CONNECTION_TOO_OLD", "the connection has reached its age", flag: "DT",
                detail: "connection_age")
        case .internalError:
            RefusalRow(
                .internal, 500, "INTERNAL_ERROR", "internal error", flag: "-", detail: "internal_error")
        }
    }

    /// What means INTERNAL, UNKNOWN or CANCELLED to gRPC is a bad gateway to HTTP: the fault is behind us, not the caller's as 499 says.
    private static func resetRow(_ code: StatusCode) -> RefusalRow {
        RefusalRow(
            code, code == .internal || code == .unknown || code == .cancelled ? 502 : code.httpStatus, "UPSTREAM_RESET",
            "the endpoint reset the stream", flag: "UR", detail: "upstream_remote_reset")
    }

    private static func statuslessRow(_ code: StatusCode) -> RefusalRow {
        RefusalRow(
            code, code.httpStatus, "UPSTREAM_STATUS_MISSING", "the endpoint's answer has no grpc-status",
            flag: "UPE", detail: "upstream_grpc_status_missing")
    }
}

extension TokenFault {
    var row: RefusalRow {
        switch self {
        case .missing: row("TOKEN_MISSING", "a token is required", "jwt_missing")
        case .malformed: row("TOKEN_MALFORMED", "the token is malformed", "jwt_malformed")
        case .expired: row("TOKEN_EXPIRED", "the token has expired", "jwt_expired")
        case .notYetValid: row("TOKEN_NOT_YET_VALID", "the token is not valid yet", "jwt_not_yet_valid")
        case .unknownIssuer: row("TOKEN_ISSUER_UNKNOWN", "the token's issuer is not accepted", "jwt_unknown_issuer")
        case .unknownKey: row("TOKEN_KEY_UNKNOWN", "no key of the issuer fits the token", "jwt_unknown_key")
        case .badSignature: row("TOKEN_SIGNATURE_INVALID", "the token's signature is wrong", "jwt_bad_signature")
        case .wrongAudience: row("TOKEN_AUDIENCE_INVALID", "the token is for another audience", "jwt_wrong_audience")
        case .invalidClaims: row("TOKEN_CLAIMS_INVALID", "the token's claims are not accepted", "jwt_invalid_claims")
        }
    }

    private func row(_ reason: StaticString, _ message: StaticString, _ detail: StaticString) -> RefusalRow {
        RefusalRow(.unauthenticated, 401, reason, message, flag: "JA", detail: detail)
    }
}

extension Denial {
    var row: RefusalRow {
        switch self {
        case .rule: row("PERMISSION_DENIED", "permission denied", "rbac_access_denied_matched_policy")
        case .notAllowed: row("PERMISSION_DENIED", "permission denied", "rbac_access_denied_no_matched_policy")
        case .scope: row("SCOPE_INSUFFICIENT", "the token lacks a scope", "rbac_scope_insufficient")
        case .tenantMissing: row("TENANT_MISSING", "the token names no tenant", "plan_tenant_missing")
        case .planUnknown: row("PLAN_UNKNOWN", "the token names no plan that is known", "plan_unknown")
        case .tenantBlocked: row("TENANT_BLOCKED", "the tenant is blocked", "tenant_blocked")
        }
    }

    private func row(_ reason: StaticString, _ message: StaticString, _ detail: StaticString) -> RefusalRow {
        RefusalRow(.permissionDenied, 403, reason, message, flag: "AZ", detail: detail)
    }
}

extension DeadlineStage {
    package var name: StaticString {
        switch self {
        case .filters: "filters"
        case .connect: "connect"
        case .response: "response"
        case .stream: "stream"
        case .retryPause: "retry_pause"
        case .perTry: "per_try"
        case .duration: "duration"
        }
    }

    /// The log's word where the time was the caller's own, and not the route's.
    package var callersDetail: StaticString {
        switch self {
        case .filters: "grpc_timeout_in_filters"
        case .connect: "grpc_timeout_connecting"
        case .response: "grpc_timeout_response"
        case .stream: "grpc_timeout_stream"
        case .retryPause: "grpc_timeout_before_retry"
        case .perTry, .duration: row.detail
        }
    }

    /// Envoy's flags tell who was waited for: the upstream (UT), or nothing in particular (DT).
    var row: RefusalRow {
        switch self {
        case .filters: row(flag: "DT", "deadline_exceeded_in_filters")
        case .connect: row(flag: "UT", "deadline_exceeded_connecting")
        case .response: row(flag: "UT", "response_timeout")
        case .stream: row(flag: "DT", "duration_timeout")
        case .retryPause: row(flag: "DT", "deadline_exceeded_before_retry")
        case .perTry: row(flag: "UT", "upstream_per_try_timeout")
        case .duration: row(flag: "UMSDR", "max_duration_timeout")
        }
    }

    private func row(flag: StaticString, _ detail: StaticString) -> RefusalRow {
        RefusalRow(
            .deadlineExceeded, 504, "DEADLINE_EXCEEDED", "the deadline has passed", flag: flag, detail: detail)
    }
}
