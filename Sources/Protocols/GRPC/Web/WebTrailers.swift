package import Bytes
package import HTTPModel

/// The last frame of a gRPC-Web answer: flag 0x80, and the trailers as lines (gRPC-Web, "Protocol differences").
package enum WebTrailers {
    private static let flag: UInt8 = 0x80

    /// Appends the frame. Pseudo-fields are left out.
    package static func append(_ fields: UnsafeBufferPointer<Field>, to buffer: inout ByteBuffer) {
        buffer.append(byte: flag)
        var count = 0
        for field in fields where isTrailer(field) { count += field.nameCount + field.valueCount + 4 }
        withUnsafeBytes(of: UInt32(count).bigEndian) { buffer.append($0) }
        for field in fields where isTrailer(field) {
            buffer.append(field.nameBytes)
            buffer.append(": ")
            buffer.append(field.valueBytes)
            buffer.append("\r\n")
        }
    }

    private static func isTrailer(_ field: Field) -> Bool {
        switch field.token {
        case .status, .contentType, .contentLength, .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade,
            .trailer, .proxyAuthorization, .proxyAuthenticate:
            false
        default: true
        }
    }
}
