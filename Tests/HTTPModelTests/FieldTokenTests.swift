import Testing

@testable import HTTPModel

@Suite struct FieldTokenTests {
    static let names: [(String, FieldToken)] = [
        (":method", .method), (":path", .path), (":authority", .authority), (":scheme", .scheme), (":status", .status),
        (":protocol", .protocolName), ("connection", .connection), ("keep-alive", .keepAlive),
        ("proxy-connection", .proxyConnection), ("proxy-authorization", .proxyAuthorization),
        ("proxy-authenticate", .proxyAuthenticate),
        ("transfer-encoding", .transferEncoding), ("upgrade", .upgrade), ("te", .te),
        ("host", .host), ("expect", .expect), ("cookie", .cookie), ("trailer", .trailer), ("content-type", .contentType),
        ("content-length", .contentLength), ("content-encoding", .contentEncoding), ("accept-encoding", .acceptEncoding),
        ("user-agent", .userAgent), ("authorization", .authorization), ("www-authenticate", .wwwAuthenticate),
        ("x-forwarded-for", .xForwardedFor), ("x-forwarded-proto", .xForwardedProto), ("x-request-id", .xRequestID),
        ("traceparent", .traceparent), ("tracestate", .tracestate), ("retry-after", .retryAfter), ("server", .server),
        ("date", .date), ("grpc-timeout", .grpcTimeout), ("grpc-status", .grpcStatus), ("grpc-message", .grpcMessage),
        ("grpc-encoding", .grpcEncoding), ("grpc-accept-encoding", .grpcAcceptEncoding),
        ("grpc-status-details-bin", .grpcStatusDetails), ("grpc-previous-rpc-attempts", .grpcPreviousRPCAttempts),
        ("grpc-retry-pushback-ms", .grpcRetryPushback),
    ]

    static func token(_ name: String) -> FieldToken { Array(name.utf8).withUnsafeBytes { FieldToken($0) } }

    @Test("every known name has its token, and every token its name", arguments: names)
    func known(name: String, token: FieldToken) {
        #expect(Self.token(name) == token)
        // A letter more, less or other is another name.
        #expect(Self.token(name + "x") == .other)
        #expect(Self.token(String(name.dropLast())) == .other)
        #expect(Self.token(name.dropLast() + "_") == .other)
        #expect(Self.token(name.uppercased()) == .other)
    }

    @Test("no token is without a name here")
    func complete() {
        let known = Set(Self.names.map(\.1))
        var raw: UInt8 = 1
        while let token = FieldToken(rawValue: raw) {
            #expect(known.contains(token))
            raw += 1
        }
        #expect(Int(raw) - 1 == Self.names.count)
    }

    @Test("no name at all is no known name")
    func empty() {
        #expect(FieldToken(UnsafeRawBufferPointer(start: nil, count: 0)) == .other)
        #expect(Self.token("") == .other)
    }
}
