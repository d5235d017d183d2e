internal import Bytes
internal import Glibc

/// Which protocol the caller speaks, read once from the head.
///
/// It decides how an answer of ours looks, whatever goes wrong later. gRPC is always POST; the same content type with
/// another method is ordinary HTTP. Media types are compared without case and without their parameters
/// (RFC 9110, section 8.3.1).
package enum CallerProtocol: UInt8, Sendable {
    /// `application/grpc`, `application/grpc+proto`, `application/grpc+json`, …: frames in, frames and trailers out.
    case grpc
    /// `application/grpc-web…`: recognised so that it is never taken for native gRPC.
    case grpcWeb
    /// `application/connect+…`: Connect's streams. Its unary calls look like JSON over HTTP.
    case connect
    /// Everything else: refusals are `google.rpc.Status` in JSON.
    case http

    package init(method: UnsafeRawBufferPointer, contentType: UnsafeRawBufferPointer?) {
        guard let contentType, contentType.count >= 16, method.equals("POST") else { self = .http; return }
        if contentType.equals("application/grpc") { self = .grpc; return }
        guard Self.hasPrefix(contentType, "application/") else { self = .http; return }
        let subtype = UnsafeRawBufferPointer(rebasing: contentType[12...])
        if Self.hasPrefix(subtype, "grpc"), Self.endsType(subtype, at: 4) {
            self = .grpc
        } else if Self.hasPrefix(subtype, "grpc-web-text"), Self.endsType(subtype, at: 13) {
            self = .grpcWeb
        } else if Self.hasPrefix(subtype, "grpc-web"), Self.endsType(subtype, at: 8) {
            self = .grpcWeb
        } else if Self.hasPrefix(subtype, "connect+") {
            self = .connect
        } else {
            self = .http
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
