package import Bytes
package import HTTPModel
internal import JSON

/// The last envelope of a Connect stream: flag 2, and how the call ended in JSON (Connect, "EndStreamResponse").
package enum ConnectEnd {
    private static let flag: UInt8 = 2

    /// Appends the envelope.
    ///
    /// - Parameters:
    ///   - status: an encoded `google.rpc.Status`, for its details.
    ///   - trailers: fields of gRPC's own and pseudo-fields are left out.
    ///   - scratch: overwritten.
    package static func append(
        _ code: StatusCode, message: UnsafeRawBufferPointer, status: UnsafeRawBufferPointer,
        trailers: UnsafeBufferPointer<Field>, to buffer: inout ByteBuffer, scratch: inout ByteBuffer
    ) {
        let place = MessageFrame.begin(in: &buffer)
        var json = JSONWriter()
        json.beginObject(&buffer)
        if code != .ok {
            json.key("error", &buffer)
            ConnectError.append(
                code, message: message, status: status, json: &json, to: &buffer, scratch: &scratch)
        }
        if trailers.contains(where: \.isCallMetadata) {
            json.key("metadata", &buffer)
            appendMetadata(trailers, json: &json, to: &buffer)
        }
        json.endObject(&buffer)
        MessageFrame.end(at: place, in: &buffer)
        (buffer.base + buffer.start + place).storeBytes(of: flag, as: UInt8.self)
    }

    /// Each name once, with all its values; those of a `-bin` name one by one, since clients decode each as a whole.
    private static func appendMetadata(
        _ trailers: UnsafeBufferPointer<Field>, json: inout JSONWriter, to buffer: inout ByteBuffer
    ) {
        json.beginObject(&buffer)
        for (index, field) in trailers.enumerated() where field.isCallMetadata {
            let isKnown = trailers[..<index].contains { $0.nameBytes.elementsEqual(field.nameBytes) }
            if isKnown { continue }
            json.key(field.nameBytes, &buffer)
            json.beginArray(&buffer)
            for other in trailers[index...] where other.nameBytes.elementsEqual(field.nameBytes) {
                guard BinaryMetadata.isBinary(name: other.nameBytes) else {
                    json.string(other.valueBytes, &buffer)
                    continue
                }
                BinaryMetadata.forEachValue(of: other.valueBytes) { json.string($0, &buffer) }
            }
            json.endArray(&buffer)
        }
        json.endObject(&buffer)
    }
}

extension Field {
    /// A service's own, neither gRPC's nor HTTP's.
    package var isCallMetadata: Bool {
        switch token {
        case .status, .method, .path, .scheme, .authority, .protocolName, .contentType, .contentLength, .contentEncoding,
            .acceptEncoding, .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .trailer,
            .proxyAuthorization, .proxyAuthenticate,
            .grpcStatus, .grpcMessage, .grpcStatusDetails, .grpcEncoding, .grpcAcceptEncoding, .grpcTimeout, .date:
            false
        default: true
        }
    }
}
