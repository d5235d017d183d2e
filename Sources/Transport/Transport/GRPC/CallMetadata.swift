internal import Bytes
internal import GRPC
internal import HTTPModel

/// Metadata of a call. Names are lower case; the values of `-bin` names are the bytes themselves, base64 being the wire's
/// affair. (gRPC over HTTP/2, "Custom-Metadata".)
extension GRPCCall {
    private static let entriesMax = 64

    /// Who calls by a Unix socket, as the kernel knows; `nil` by any other.
    package var peerUserID: UInt32? { stream?.serverConnection { $0.peerUserID } }

    /// `:path`.
    package var path: String { text(.path) ?? "" }
    package var authority: String { text(.authority) ?? text(.host) ?? "" }
    /// `grpc-timeout` as it arrived; empty for none.
    package var timeoutText: String { text(.grpcTimeout) ?? "" }

    private func text(_ token: FieldToken) -> String? { stream?.pointee.fields.first(token)?.valueText }

    /// The request's fields with this name as they arrived, joined with commas; `nil` for none.
    package func metadata(_ name: String) -> String? {
        guard let stream else { return nil }
        var joined: String?
        for index in 0..<stream.pointee.trailersStart {
            let field = stream.pointee.fields[index]
            guard field.nameBytes.elementsEqual(name.utf8) else { continue }
            joined = joined.map { $0 + "," + field.valueText } ?? field.valueText
        }
        return joined
    }

    /// Adds to the answer's head, if that is not sent yet. False where name or value may not stand there, or there are
    /// too many.
    @discardableResult
    package func addInitialMetadata(_ name: String, _ value: String) -> Bool {
        guard let field = field(name, value), initialMetadata.count < Self.entriesMax else { return false }
        initialMetadata.append(field)
        return true
    }

    /// Adds to the answer's trailers. False as above.
    @discardableResult
    package func addTrailingMetadata(_ name: String, _ value: String) -> Bool {
        guard let field = field(name, value), trailingMetadata.count < Self.entriesMax else { return false }
        trailingMetadata.append(field)
        return true
    }

    private func field(_ name: String, _ value: String) -> Field? {
        guard let stream, !isOver else { return nil }
        var name = name
        var value = value
        return name.withUTF8 { name in
            value.withUTF8 { value in
                let name = UnsafeRawBufferPointer(name)
                let isBinary = BinaryMetadata.isBinary(name: name)
                guard Self.isName(name), isBinary || Self.isValue(value) else { return nil }
                var bytes = UnsafeRawBufferPointer(value)
                if isBinary {
                    server.scratch.removeAll()
                    BinaryMetadata.encode(bytes, into: &server.scratch)
                    bytes = server.scratch.readable
                }
                return stream.pointee.fields.keepField(name: name, value: bytes, token: FieldToken(name))
            }
        }
    }

    /// Lower-case letters, digits, `_`, `-` and `.`; no name that HTTP or gRPC itself uses.
    private static func isName(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count > 0, name.count <= 256 else { return false }
        for byte in name {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                continue
            default: return false
            }
        }
        switch FieldToken(name) {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .host, .trailer,
            .proxyAuthorization, .proxyAuthenticate,
            .contentType, .contentLength, .contentEncoding:
            return false
        default:
            return !name.starts(with: "grpc-".utf8)
        }
    }

    /// Visible ASCII and spaces within.
    private static func isValue(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard value.count <= 8 << 10, value.first != 0x20, value.last != 0x20 else { return false }
        return value.allSatisfy { $0 >= 0x20 && $0 <= 0x7E }
    }
}
