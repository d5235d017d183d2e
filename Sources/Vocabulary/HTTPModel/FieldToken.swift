/// The field names that the gateway itself looks at, so that a name is compared once, when it arrives.
@usableFromInline package enum FieldToken: UInt8, Sendable {
    case other
    // Pseudo-header fields (RFC 9113, section 8.3).
    case method, path, authority, scheme, status, protocolName
    // Hop-by-hop (RFC 9110, section 7.6.1): never forwarded.
    case connection, keepAlive, proxyConnection, transferEncoding, upgrade
    // Between a client and its proxy (RFC 9110, section 11.7), which is this gateway: never forwarded.
    case proxyAuthorization, proxyAuthenticate
    case te, host, expect, cookie, trailer
    case contentType, contentLength, contentEncoding, acceptEncoding, userAgent, authorization, wwwAuthenticate
    case xForwardedFor, xForwardedProto, xRequestID, traceparent, tracestate, retryAfter, server, date
    case grpcTimeout, grpcStatus, grpcMessage, grpcEncoding, grpcAcceptEncoding, grpcStatusDetails
    case grpcPreviousRPCAttempts, grpcRetryPushback

    /// Asked for every field that arrives: names are compared by the words they begin and end with.
    ///
    /// Out of line: with as many branches in it, nothing else would be inlined where fields arrive.
    @inline(never)
    package init(_ name: UnsafeRawBufferPointer) {
        let name = NameWords(name)
        switch name.count {
        case 2: self = name.isShort("te") ? .te : .other
        case 4: self = name.isShort("host") ? .host : name.isShort("date") ? .date : .other
        case 5: self = name.isShort(":path") ? .path : .other
        case 6:
            self =
                name.isShort("cookie")
                ? .cookie
                : name.isShort("expect")
                    ? .expect
                    : name.isShort("server") ? .server : .other
        case 7:
            self =
                name.isShort(":method")
                ? .method
                : name.isShort(":scheme")
                    ? .scheme
                    : name.isShort(":status")
                        ? .status
                        : name.isShort("upgrade")
                            ? .upgrade
                            : name.isShort("trailer") ? .trailer : .other
        case 9: self = name.isLong(":protocol") ? .protocolName : .other
        case 10:
            self =
                name.isLong(":authority")
                ? .authority
                : name.isLong("user-agent")
                    ? .userAgent
                    : name.isLong("connection")
                        ? .connection
                        : name.isLong("keep-alive")
                            ? .keepAlive
                            : name.isLong("tracestate") ? .tracestate : .other
        case 11:
            self =
                name.isLong("grpc-status")
                ? .grpcStatus
                : name.isLong("traceparent")
                    ? .traceparent
                    : name.isLong("retry-after") ? .retryAfter : .other
        case 12:
            self =
                name.isLong("content-type")
                ? .contentType
                : name.isLong("grpc-timeout")
                    ? .grpcTimeout
                    : name.isLong("grpc-message") ? .grpcMessage : name.isLong("x-request-id") ? .xRequestID : .other
        case 13:
            self = name.isLong("authorization") ? .authorization : name.isLong("grpc-encoding") ? .grpcEncoding : .other
        case 14: self = name.isLong("content-length") ? .contentLength : .other
        case 15:
            self =
                name.isLong("x-forwarded-for")
                ? .xForwardedFor
                : name.isLong("accept-encoding") ? .acceptEncoding : .other
        case 16:
            self =
                name.isLong("content-encoding")
                ? .contentEncoding
                : name.isLong("www-authenticate")
                    ? .wwwAuthenticate
                    : name.isLong("proxy-connection") ? .proxyConnection : .other
        case 17:
            self =
                name.isLong("transfer-encoding")
                ? .transferEncoding
                : name.isLong("x-forwarded-proto") ? .xForwardedProto : .other
        case 18: self = name.isLong("proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: self = name.isLong("proxy-authorization") ? .proxyAuthorization : .other
        case 20: self = name.isLong("grpc-accept-encoding") ? .grpcAcceptEncoding : .other
        case 22: self = name.isLong("grpc-retry-pushback-ms") ? .grpcRetryPushback : .other
        case 23: self = name.isLong("grpc-status-details-bin") ? .grpcStatusDetails : .other
        case 26: self = name.isLong("grpc-previous-rpc-attempts") ? .grpcPreviousRPCAttempts : .other
        default: self = .other
        }
    }
}

/// A name as the machine's words: where the other is a literal, comparing is one or two instructions a word.
private struct NameWords {
    let start: UnsafeRawPointer
    let count: Int

    @inline(__always)
    init(_ name: UnsafeRawBufferPointer) {
        // Names are never empty; of an empty one only the count is read.
        start = name.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        count = name.count
    }

    /// For both of 2 to 7 bytes and as long as each other.
    @inline(__always)
    func isShort(_ other: StaticString) -> Bool {
        if count < 4 { return isEqual(other, at: 0, as: UInt16.self) && isEqual(other, at: count - 2, as: UInt16.self) }
        return isEqual(other, at: 0, as: UInt32.self) && isEqual(other, at: count - 4, as: UInt32.self)
    }

    /// For both of 8 bytes or more and as long as each other.
    @inline(__always)
    func isLong(_ other: StaticString) -> Bool {
        guard isEqual(other, at: count - 8, as: UInt64.self), isEqual(other, at: 0, as: UInt64.self) else { return false }
        if count > 16, !isEqual(other, at: 8, as: UInt64.self) { return false }
        return count <= 24 || isEqual(other, at: 16, as: UInt64.self)
    }

    @inline(__always)
    func isEqual<Word: FixedWidthInteger & BitwiseCopyable>(_ other: StaticString, at offset: Int, as _: Word.Type) -> Bool {
        start.loadUnaligned(fromByteOffset: offset, as: Word.self)
            == UnsafeRawPointer(other.utf8Start).loadUnaligned(fromByteOffset: offset, as: Word.self)
    }
}

extension FieldToken {
    /// The name it stands for, for the life of the process; `nil` for `other`.
    @inlinable @inline(__always)
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
        case .proxyAuthorization: bytes("proxy-authorization")
        case .proxyAuthenticate: bytes("proxy-authenticate")
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
