internal import Bytes
internal import Glibc

/// Which protocol the caller speaks, read once from the head.
///
/// It decides how an answer of ours looks, whatever goes wrong later. gRPC is always POST; the same content type with
/// another method is ordinary HTTP. Media types are compared without case and without their parameters
/// (RFC 9110, section 8.3.1).
package enum ClientProtocol: UInt8, Sendable {
    /// `application/grpc`, `application/grpc+proto`, `application/grpc+json`, …: frames in, frames and trailers out.
    case grpc
    /// `application/grpc-web`, `+proto`, …: frames, and the trailers in one more of them.
    case grpcWeb
    /// `application/grpc-web-text…`: the same in base64.
    case grpcWebText
    /// Connect's unary calls: `application/proto`, or JSON with `connect-protocol-version` or `connect-timeout-ms`. A bare message each way.
    case connectUnary
    /// `application/connect+proto`: Connect's streams, envelopes and an end in JSON.
    case connectStream
    /// `application/connect+json`: the same with JSON messages.
    case connectJSONStream
    /// Everything else: refusals are `google.rpc.Status` in JSON.
    case http

    /// - Parameter saysConnect: one of Connect's own headers is among the fields, which tells Connect's JSON from any other.
    package init(
        method: UnsafeRawBufferPointer, contentType: UnsafeRawBufferPointer?, saysConnect: @autoclosure () -> Bool = false
    ) {
        guard let contentType, contentType.count >= 16, method.equals("POST") else { self = .http; return }
        if contentType.equals("application/grpc") { self = .grpc; return }
        guard Self.hasPrefix(contentType, "application/") else { self = .http; return }
        let subtype = UnsafeRawBufferPointer(rebasing: contentType[12...])
        if Self.hasPrefix(subtype, "grpc"), Self.endsType(subtype, at: 4) {
            self = .grpc
        } else if Self.hasPrefix(subtype, "grpc-web-text"), Self.endsType(subtype, at: 13) {
            self = .grpcWebText
        } else if Self.hasPrefix(subtype, "grpc-web"), Self.endsType(subtype, at: 8) {
            self = .grpcWeb
        } else if Self.hasPrefix(subtype, "connect+") {
            self = Self.hasPrefix(subtype, "connect+json") && Self.endsType(subtype, at: 12) ? .connectJSONStream : .connectStream
        } else if Self.hasPrefix(subtype, "proto"), Self.endsType(subtype, at: 5) {
            self = .connectUnary
        } else if Self.hasPrefix(subtype, "json"), Self.endsType(subtype, at: 4), saysConnect() {
            self = .connectUnary
        } else {
            self = .http
        }
    }

    /// Answers have HTTP status 200 whatever became of the call.
    package var answersWith200: Bool {
        switch self {
        case .grpc, .grpcWeb, .grpcWebText, .connectStream, .connectJSONStream: true
        case .connectUnary, .http: false
        }
    }

    /// What an answer that is ours says it is.
    package var contentType: StaticString {
        switch self {
        case .grpc: "application/grpc"
        case .grpcWeb: "application/grpc-web+proto"
        case .grpcWebText: "application/grpc-web-text+proto"
        case .connectStream: "application/connect+proto"
        case .connectJSONStream: "application/connect+json"
        case .connectUnary, .http: "application/json"
        }
    }

    /// `text` is lower-case.
    private static func hasPrefix(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count >= count, let start = bytes.baseAddress else { return false }
        if memcmp(start, text.utf8Start, count) == 0 { return true }
        for index in 0..<count {
            var byte = bytes[index]
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { byte |= 0x20 }
            if byte != text.utf8Start[index] { return false }
        }
        return true
    }

    /// Whether the name of the type ends at `index`: a codec after `+`, a parameter after `;`, or nothing follows.
    private static func endsType(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Bool {
        guard index < bytes.count else { return true }
        switch bytes[index] {
        case UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "\t"): return true
        default: return false
        }
    }
}
