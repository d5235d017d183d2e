package import Bytes
package import GRPC
package import HTTPModel

/// Makes gRPC's head of the head of a call in another protocol, in place: what filters, log and upstream see from then on.
package struct BridgedRequest {
    /// How the body, or each message in it that says so, is compressed; `nil` where nothing is. Of gRPC-Web the upstream
    /// knows it as the caller says it.
    package private(set) var encoding: BorrowedBytes?
    /// The caller reads gzip.
    package private(set) var acceptsGzip = false
    package private(set) var announcedBytes: Int?

    /// - Parameters:
    ///   - caller: gRPC-Web, Connect or plain HTTP.
    ///   - readsMessages: here, so that compression is our own affair on each side.
    package init(_ fields: inout FieldBlock, caller: ClientProtocol, readsMessages: Bool = false) throws(ConversionFailure) {
        let isUnary = caller == .connectUnary || caller == .http
        let isConnect = caller == .connectUnary || caller == .connectStream || caller == .connectJSONStream
        var timeout: BorrowedBytes?
        for field in fields.all {
            switch field.token {
            case .contentLength: announcedBytes = field.number?.exactly(as: Int.self)
            case .contentEncoding where isUnary: try Self.take(field, into: &encoding)
            case .acceptEncoding where isUnary: acceptsGzip = Self.names(field.valueBytes, "gzip")
            case .other where isConnect:
                if field.nameBytes.equals("connect-timeout-ms") {
                    // Servers differ in which of two counts.
                    guard timeout == nil else { throw ConversionFailure(.malformedConnectTimeout) }
                    timeout = field.valueBytes
                }
                if field.nameBytes.equals("connect-protocol-version"), !field.valueBytes.equals("1") {
                    throw ConversionFailure(.unsupportedConnectVersion)
                }
                guard !isUnary else { continue }
                if field.nameBytes.equals("connect-content-encoding") { try Self.take(field, into: &encoding) }
                if field.nameBytes.equals("connect-accept-encoding") { acceptsGzip = Self.names(field.valueBytes, "gzip") }
            default: continue
            }
        }
        for index in 0..<fields.count where Self.isForeign(fields[index], caller: caller, isConnect: isConnect) {
            fields.suppress(at: index)
        }
        fields.append(Field("content-type", "application/grpc+proto", token: .contentType))
        if let named = encoding, HTTPGrammar.equalsIgnoringCase(named, "identity") { encoding = nil }
        if let encoding, !readsMessages { fields.append(Field("grpc-encoding", value: encoding, token: .grpcEncoding)) }
        if acceptsGzip || readsMessages { fields.append(Field("grpc-accept-encoding", "gzip", token: .grpcAcceptEncoding)) }
        if let timeout { try Self.append(timeout, to: &fields) }
    }

    /// Two encodings are a list of what was done one after the other (RFC 9110, section 8.4), which is not read here.
    private static func take(_ field: Field, into encoding: inout BorrowedBytes?) throws(ConversionFailure) {
        guard encoding == nil else { throw ConversionFailure(.unsupportedCompression(accepted: CompressionPool.readableEncodings)) }
        encoding = field.valueBytes
    }

    private static func isForeign(_ field: Field, caller: ClientProtocol, isConnect: Bool) -> Bool {
        switch field.token {
        case .contentType, .contentLength, .contentEncoding, .acceptEncoding: true
        // These are gRPC's own, which only gRPC-Web shares.
        case .grpcEncoding, .grpcAcceptEncoding: isConnect || caller == .http
        case .grpcTimeout: isConnect
        case .other:
            field.nameBytes.equals("accept") || field.nameBytes.equals("x-grpc-web")
                || field.nameBytes.equals("connect-protocol-version") || field.nameBytes.equals("connect-timeout-ms")
                || field.nameBytes.equals("connect-content-encoding") || field.nameBytes.equals("connect-accept-encoding")
        default: false
        }
    }

    /// What `connect-timeout-ms` says becomes `grpc-timeout`.
    private static func append(_ timeout: BorrowedBytes, to fields: inout FieldBlock) throws(ConversionFailure) {
        guard let duration = ConnectTimeout.read(timeout) else { throw ConversionFailure(.malformedConnectTimeout) }
        let text = fields.reserve(GRPCTimeout.textBytesMax)
        let count = GRPCTimeout.write(duration, to: text)
        fields.append(
            Field("grpc-timeout", value: BorrowedBytes(start: text, count: count), token: .grpcTimeout))
    }

    /// Whether a content type is `application/json`, with whatever parameters.
    package static func isJSON(_ type: BorrowedBytes) -> Bool { isType(type, "application/json") }

    /// Whether a body may be read as JSON: `application/json`, what is made of it (`+json`), or lines of it, in UTF-8. A page
    /// of another origin cannot say any of these without having asked.
    package static func isAnyJSON(_ type: BorrowedBytes) -> Bool {
        let parts = type.split(separator: UInt8(ascii: ";"))
        guard let first = parts.first else { return false }
        let name = trimmed(BorrowedBytes(rebasing: first))
        let isMadeOfJSON =
            name.count > 17 && HTTPGrammar.equalsIgnoringCase(.init(rebasing: name.prefix(12)), "application/")
            && HTTPGrammar.equalsIgnoringCase(.init(rebasing: name.suffix(5)), "+json")
        guard
            isMadeOfJSON || HTTPGrammar.equalsIgnoringCase(name, "application/json")
                || HTTPGrammar.equalsIgnoringCase(name, "application/x-ndjson")
        else { return false }
        return parts.dropFirst().allSatisfy { part in
            let parameter = trimmed(BorrowedBytes(rebasing: part))
            guard parameter.count >= 8, HTTPGrammar.equalsIgnoringCase(.init(rebasing: parameter.prefix(8)), "charset=") else {
                return true
            }
            let charset = BorrowedBytes(rebasing: parameter.dropFirst(8))
            return HTTPGrammar.equalsIgnoringCase(charset, "utf-8") || HTTPGrammar.equalsIgnoringCase(charset, "\"utf-8\"")
        }
    }

    private static func trimmed(_ bytes: BorrowedBytes) -> BorrowedBytes {
        var bytes = bytes
        while let byte = bytes.first, byte == 0x20 || byte == 0x09 { bytes = BorrowedBytes(rebasing: bytes.dropFirst()) }
        while let byte = bytes.last, byte == 0x20 || byte == 0x09 { bytes = BorrowedBytes(rebasing: bytes.dropLast()) }
        return bytes
    }

    /// The codec after `application/grpc-web` or `application/grpc-web-text`: none, which means this one, or `+proto`.
    package static func isWebProto(_ type: BorrowedBytes) -> Bool {
        isType(type, "application/grpc-web") || isType(type, "application/grpc-web+proto")
            || isType(type, "application/grpc-web-text") || isType(type, "application/grpc-web-text+proto")
    }

    package static func isConnectProto(_ type: BorrowedBytes) -> Bool { isType(type, "application/connect+proto") }

    private static func isType(_ type: BorrowedBytes, _ wanted: StaticString) -> Bool {
        let end = type.firstIndex { $0 == UInt8(ascii: ";") || $0 == 0x20 } ?? type.count
        return HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: type[..<end]), wanted)
    }

    /// Which form of gRPC-Web the answer has: the one that Accept asks for, else the request's.
    package static func webAnswer(_ fields: FieldBlock, requestIsText: Bool) -> ClientProtocol {
        for field in fields.all where field.token == .other && field.nameBytes.equals("accept") {
            if names(field.valueBytes, "application/grpc-web-text") || names(field.valueBytes, "application/grpc-web-text+proto") {
                return .grpcWebText
            }
            if names(field.valueBytes, "application/grpc-web") || names(field.valueBytes, "application/grpc-web+proto") {
                return .grpcWeb
            }
        }
        return requestIsText ? .grpcWebText : .grpcWeb
    }

    /// Whether a comma-separated list has the member, whatever parameters it stands with; one with `q=0` is not wanted.
    package static func names(_ list: BorrowedBytes, _ wanted: StaticString) -> Bool {
        var members = ListMembers(list)
        while let bytes = members.next() {
            let end = bytes.firstIndex { $0 == UInt8(ascii: ";") || $0 == 0x20 } ?? bytes.count
            guard HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: bytes[..<end]), wanted) else { continue }
            let parameters = bytes[end...].filter { $0 != 0x20 }
            return !(parameters.starts(with: ";q=0".utf8) && !parameters.dropFirst(4).contains { $0 >= 0x31 && $0 <= 0x39 })
        }
        return false
    }
}

extension FieldBlock {
    /// The caller uses a header that only Connect's unary calls have.
    package var saysConnect: Bool {
        all.contains {
            $0.token == .other
                && ($0.nameBytes.equals("connect-protocol-version") || $0.nameBytes.equals("connect-timeout-ms"))
        }
    }
}
