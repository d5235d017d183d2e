internal import Bytes
internal import HTTPModel

/// Field values that are put together from text of the configuration.
enum FieldText {
    /// A quoted string: backslashes before quotes and backslashes, and what a field's value cannot hold becomes `?`
    /// (RFC 9110, section 5.6.4; RFC 9651, section 3.3.3).
    static func appendQuoted(_ text: String, to buffer: inout ByteBuffer) {
        buffer.append(byte: UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                buffer.append(byte: UInt8(ascii: "\\"))
                buffer.append(byte: byte)
            case 0x20...0x7E: buffer.append(byte: byte)
            default: buffer.append(byte: UInt8(ascii: "?"))
            }
        }
        buffer.append(byte: UInt8(ascii: "\""))
    }

    /// Whole seconds, rounded up, at least one (RFC 9110, section 10.2.3).
    static func retryAfterSeconds(_ delay: Duration) -> UInt64 {
        let (seconds, attoseconds) = delay.components
        guard seconds >= 0 else { return 1 }
        return UInt64(max(1, attoseconds > 0 ? seconds &+ 1 : seconds))
    }
}

extension FieldBlock {
    /// Copies the value, and keeps it out of HPACK's dynamic table: what a refusal says is seldom said twice.
    mutating func append(_ name: StaticString, token: FieldToken = .other, _ value: UnsafeRawBufferPointer) {
        let kept = keep(value).assumingMemoryBound(to: UInt8.self)
        append(
            Field(
                name: name.utf8Start, nameCount: name.utf8CodeUnitCount, value: kept.baseAddress!,
                valueCount: kept.count, token: token, flags: [.borrowed, .neverIndexed]))
    }

    /// `scratch` is overwritten.
    mutating func append(
        _ name: StaticString, token: FieldToken = .other, decimal value: UInt64, scratch: inout ByteBuffer
    ) {
        scratch.removeAll()
        scratch.append(decimal: value)
        append(name, token: token, scratch.readable)
    }
}
