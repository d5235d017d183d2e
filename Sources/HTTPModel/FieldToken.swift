internal import Glibc

/// The field names that the gateway itself looks at, so that a name is compared once, when it arrives.
@usableFromInline package enum FieldToken: UInt8, Sendable {
    case other
    // Pseudo-header fields (RFC 9113, section 8.3).
    case method, path, authority, scheme, status, protocolName
    // Hop-by-hop (RFC 9110, section 7.6.1): never forwarded.
    case connection, keepAlive, proxyConnection, transferEncoding, upgrade
    case te, host, expect, cookie, trailer
    case contentType, contentLength, contentEncoding, acceptEncoding, userAgent, authorization, wwwAuthenticate
    case xForwardedFor, xForwardedProto, xRequestID, traceparent, tracestate, retryAfter, server, date
    case grpcTimeout, grpcStatus, grpcMessage, grpcEncoding, grpcAcceptEncoding, grpcStatusDetails
    case grpcPreviousRPCAttempts, grpcRetryPushback

    package init(_ name: UnsafeRawBufferPointer) {
        guard let start = name.baseAddress else { self = .other; return }
        func matches(_ text: StaticString) -> Bool { memcmp(start, text.utf8Start, name.count) == 0 }
        switch name.count {
        case 2: self = matches("te") ? .te : .other
        case 4: self = matches("host") ? .host : matches("date") ? .date : .other
        case 5: self = matches(":path") ? .path : .other
        case 6:
            self = matches("cookie") ? .cookie : matches("expect") ? .expect : matches("server") ? .server : .other
        case 7:
            self = matches(":method") ? .method : matches(":scheme") ? .scheme : matches(":status") ? .status
                : matches("upgrade") ? .upgrade : matches("trailer") ? .trailer : .other
        case 9: self = matches(":protocol") ? .protocolName : .other
        case 10:
            self = matches(":authority") ? .authority : matches("user-agent") ? .userAgent
                : matches("connection") ? .connection : matches("keep-alive") ? .keepAlive
                : matches("tracestate") ? .tracestate : .other
        case 11:
            self = matches("grpc-status") ? .grpcStatus : matches("traceparent") ? .traceparent
                : matches("retry-after") ? .retryAfter : .other
        case 12:
            self = matches("content-type") ? .contentType : matches("grpc-timeout") ? .grpcTimeout
                : matches("grpc-message") ? .grpcMessage : matches("x-request-id") ? .xRequestID : .other
        case 13:
            self = matches("authorization") ? .authorization : matches("grpc-encoding") ? .grpcEncoding : .other
        case 14: self = matches("content-length") ? .contentLength : .other
        case 15:
            self = matches("x-forwarded-for") ? .xForwardedFor : matches("accept-encoding") ? .acceptEncoding : .other
        case 16:
            self = matches("content-encoding") ? .contentEncoding : matches("www-authenticate") ? .wwwAuthenticate
                : matches("proxy-connection") ? .proxyConnection : .other
        case 17:
            self = matches("transfer-encoding") ? .transferEncoding
                : matches("x-forwarded-proto") ? .xForwardedProto : .other
        case 20: self = matches("grpc-accept-encoding") ? .grpcAcceptEncoding : .other
        case 22: self = matches("grpc-retry-pushback-ms") ? .grpcRetryPushback : .other
        case 23: self = matches("grpc-status-details-bin") ? .grpcStatusDetails : .other
        case 26: self = matches("grpc-previous-rpc-attempts") ? .grpcPreviousRPCAttempts : .other
        default: self = .other
        }
    }
}

extension FieldToken {
    /// The name it stands for, for the life of the process; `nil` for `other`.
    package var literal: UnsafePointer<UInt8>? {
        func bytes(_ name: StaticString) -> UnsafePointer<UInt8> { name.utf8Start }
        return switch self {
        case .other: nil
        case .method: bytes(":method")
        case .path: bytes(":path")
        case .authority: bytes(":authority")
        case .scheme: bytes(":scheme")
        case .status: bytes(":status")
        case .protocolName: bytes(":protocol")
        case .connection: bytes("connection")
        case .keepAlive: bytes("keep-alive")
        case .proxyConnection: bytes("proxy-connection")
        case .transferEncoding: bytes("transfer-encoding")
        case .upgrade: bytes("upgrade")
        case .te: bytes("te")
        case .host: bytes("host")
        case .expect: bytes("expect")
        case .cookie: bytes("cookie")
        case .trailer: bytes("trailer")
        case .contentType: bytes("content-type")
        case .contentLength: bytes("content-length")
        case .contentEncoding: bytes("content-encoding")
        case .acceptEncoding: bytes("accept-encoding")
        case .userAgent: bytes("user-agent")
        case .authorization: bytes("authorization")
        case .wwwAuthenticate: bytes("www-authenticate")
        case .xForwardedFor: bytes("x-forwarded-for")
        case .xForwardedProto: bytes("x-forwarded-proto")
        case .xRequestID: bytes("x-request-id")
        case .traceparent: bytes("traceparent")
        case .tracestate: bytes("tracestate")
        case .retryAfter: bytes("retry-after")
        case .server: bytes("server")
        case .date: bytes("date")
        case .grpcTimeout: bytes("grpc-timeout")
        case .grpcStatus: bytes("grpc-status")
        case .grpcMessage: bytes("grpc-message")
        case .grpcEncoding: bytes("grpc-encoding")
        case .grpcAcceptEncoding: bytes("grpc-accept-encoding")
        case .grpcStatusDetails: bytes("grpc-status-details-bin")
        case .grpcPreviousRPCAttempts: bytes("grpc-previous-rpc-attempts")
        case .grpcRetryPushback: bytes("grpc-retry-pushback-ms")
        }
    }
}
