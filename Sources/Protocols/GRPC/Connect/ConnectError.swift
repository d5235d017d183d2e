package import Bytes
internal import HTTPModel
package import JSON

/// An error as Connect's callers read it: a code's name, a message, and details (Connect, "Error codes", "Error end-stream").
package enum ConnectError {
    /// Appends `{"code":…,"message":…,"details":[…]}`.
    ///
    /// - Parameters:
    ///   - status: an encoded `google.rpc.Status`, for its details; what cannot be read of it is left out.
    ///   - scratch: overwritten.
    package static func append(
        _ code: StatusCode, message: UnsafeRawBufferPointer, status: UnsafeRawBufferPointer, json: inout JSONWriter,
        to buffer: inout ByteBuffer, scratch: inout ByteBuffer
    ) {
        json.beginObject(&buffer)
        json.key("code", &buffer)
        json.string(code.connectName, &buffer)
        if message.count > 0 {
            json.key("message", &buffer)
            json.string(message, &buffer)
        }
        var reader = WireReader(status)
        var hasDetails = false
        while let tag = try? reader.next() {
            guard tag.number == 3, tag.type == .bytes else {
                guard (try? reader.skip(tag)) != nil else { break }
                continue
            }
            guard let detail = try? reader.bytes() else { break }
            if !hasDetails {
                json.key("details", &buffer)
                json.beginArray(&buffer)
                hasDetails = true
            }
            appendDetail(detail, json: &json, to: &buffer, scratch: &scratch)
        }
        if hasDetails { json.endArray(&buffer) }
        json.endObject(&buffer)
    }

    /// `google.protobuf.Any`: the type's name without the address before it, and its bytes.
    private static func appendDetail(
        _ detail: UnsafeRawBufferPointer, json: inout JSONWriter, to buffer: inout ByteBuffer, scratch: inout ByteBuffer
    ) {
        var reader = WireReader(detail)
        var (type, value) = (UnsafeRawBufferPointer(start: nil, count: 0), UnsafeRawBufferPointer(start: nil, count: 0))
        while let tag = try? reader.next() {
            guard tag.type == .bytes else {
                guard (try? reader.skip(tag)) != nil else { break }
                continue
            }
            guard let bytes = try? reader.bytes() else { break }
            if tag.number == 1 { type = bytes } else if tag.number == 2 { value = bytes }
        }
        if let slash = type.lastIndex(of: UInt8(ascii: "/")) {
            type = UnsafeRawBufferPointer(rebasing: type[(slash + 1)...])
        }
        json.beginObject(&buffer)
        json.key("type", &buffer)
        json.string(type, &buffer)
        json.key("value", &buffer)
        scratch.removeAll()
        Base64.encode(value, padded: false, into: &scratch)
        json.string(scratch.readable, &buffer)
        json.endObject(&buffer)
    }
}

extension StatusCode {
    /// As Connect names it.
    package var connectName: StaticString {
        switch self {
        case .ok: "ok"
        case .cancelled: "canceled"
        case .unknown: "unknown"
        case .invalidArgument: "invalid_argument"
        case .deadlineExceeded: "deadline_exceeded"
        case .notFound: "not_found"
        case .alreadyExists: "already_exists"
        case .permissionDenied: "permission_denied"
        case .resourceExhausted: "resource_exhausted"
        case .failedPrecondition: "failed_precondition"
        case .aborted: "aborted"
        case .outOfRange: "out_of_range"
        case .unimplemented: "unimplemented"
        case .internal: "internal"
        case .unavailable: "unavailable"
        case .dataLoss: "data_loss"
        case .unauthenticated: "unauthenticated"
        }
    }
}
