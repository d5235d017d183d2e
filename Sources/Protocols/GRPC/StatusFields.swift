package import Bytes
package import HTTPModel

/// The fields that say how a gRPC call ended: `grpc-status`, `grpc-message`, `grpc-status-details-bin`.
package enum StatusFields {
    /// The longest message that is written, before its percent coding: trailers are small.
    package static let messageBytesMax = 256

    /// Appends the fields of an end: as trailers, or behind `appendHead` as an answer without messages (Trailers-Only).
    ///
    /// - Parameters:
    ///   - message: cut to `messageBytesMax` at a character's edge; left out where empty.
    ///   - details: an encoded `google.rpc.Status`; left out where empty.
    ///   - scratch: overwritten.
    package static func append(
        _ code: StatusCode, message: UnsafeRawBufferPointer, details: UnsafeRawBufferPointer,
        to fields: inout FieldBlock, scratch: inout ByteBuffer
    ) {
        fields.append(Field("grpc-status", code.digits, token: .grpcStatus))
        if message.count > 0 {
            scratch.removeAll()
            encodeMessage(cut(message), into: &scratch)
            fields.append("grpc-message", token: .grpcMessage, scratch.readable)
        }
        if details.count > 0 {
            scratch.removeAll()
            BinaryMetadata.encode(details, into: &scratch)
            fields.append("grpc-status-details-bin", token: .grpcStatusDetails, scratch.readable)
        }
    }

    /// Appends `:status: 200` and `content-type: application/grpc`.
    package static func appendHead(to fields: inout FieldBlock) {
        fields.append(Field(":status", "200", token: .status))
        fields.append(Field("content-type", "application/grpc", token: .contentType))
    }

    /// `grpc-message` as it travels: what is not 0x20 to 0x7E, and `%`, is percent-coded (gRPC over HTTP/2,
    /// "Responses"). So is a space at either end, which a field's value may not have (RFC 9113, section 8.2.1).
    package static func encodeMessage(_ message: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        let space = UInt8(ascii: " ")
        guard let first = message.first, let last = message.last, first == space || last == space else {
            return PercentCoding.encode(message, keeping: .visible, into: &buffer)
        }
        let head = message.prefix { $0 == space }.count
        let tail = head == message.count ? 0 : message.reversed().prefix { $0 == space }.count
        for _ in 0..<head { PercentCoding.appendEscape(of: space, to: &buffer) }
        let middle = UnsafeRawBufferPointer(rebasing: message[head..<(message.count - tail)])
        PercentCoding.encode(middle, keeping: .visible, into: &buffer)
        for _ in 0..<tail { PercentCoding.appendEscape(of: space, to: &buffer) }
    }

    /// The message as a person reads it; escapes that are none stay as they are. For tools and logs: makes a String.
    package static func decodeMessage(_ field: UnsafeRawBufferPointer) -> String {
        var buffer = ByteBuffer(capacity: field.count)
        PercentCoding.decodeLeniently(field, into: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    static func cut(_ message: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard message.count > messageBytesMax else { return message }
        var end = messageBytesMax
        // A byte 10xxxxxx continues a character.
        while end > 0, message[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: message[..<end])
    }

    /// How much of a `grpc-message` as it travels fits into so many bytes: no escape is cut, and no character of several.
    package static func cutEncoded(_ field: UnsafeRawBufferPointer, to bytesMax: Int) -> Int {
        guard field.count > bytesMax else { return field.count }
        var end = bytesMax
        for back in 1...2 where end >= back && field[end - back] == UInt8(ascii: "%") {
            end -= back
            break
        }
        // What follows continues a character: that goes as a whole.
        guard let next = escape(field, at: end), next & 0xC0 == 0x80 else { return end }
        while end >= 3, let last = escape(field, at: end - 3) {
            end -= 3
            if last & 0xC0 != 0x80 { break }
        }
        return end
    }

    /// The byte that an escape at `place` stands for.
    private static func escape(_ field: UnsafeRawBufferPointer, at place: Int) -> UInt8? {
        guard place + 2 < field.count, field[place] == UInt8(ascii: "%"), let high = PercentCoding.hexDigit(field[place + 1]),
            let low = PercentCoding.hexDigit(field[place + 2])
        else { return nil }
        return high << 4 | low
    }
}
