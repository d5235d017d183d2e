/// Percent coding (RFC 3986, section 2.1).
///
/// Encoding writes upper-case digits; decoding takes both. Which bytes stand for themselves is the caller's choice.
package enum PercentCoding {
    /// The ASCII bytes that need no escape. Every other byte, and `%` itself, gets one, so that decoding gives back
    /// exactly what was encoded.
    package struct Kept: Sendable {
        private var low: UInt64 = 0
        private var high: UInt64 = 0

        private init(_ belongs: (UInt8) -> Bool) {
            for byte in 0..<UInt8(128) where byte != UInt8(ascii: "%") && belongs(byte) {
                if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
            }
        }

        package func contains(_ byte: UInt8) -> Bool {
            if byte < 64 { return low >> UInt64(byte) & 1 == 1 }
            return byte < 128 && high >> UInt64(byte - 64) & 1 == 1
        }

        package func without(_ byte: UInt8) -> Kept {
            Kept { self.contains($0) && $0 != byte }
        }

        /// 0x20 to 0x7E: what a header field's value may hold, and what `grpc-message` leaves alone.
        package static let visible = Kept { $0 >= 0x20 && $0 <= 0x7E }

        /// Letters, digits and `-._~` (RFC 3986, section 2.3): safe in every part of a URI.
        package static let unreserved = Kept { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }

    package static func encode(
        _ bytes: UnsafeRawBufferPointer, keeping kept: Kept, into buffer: inout ByteBuffer
    ) {
        var copied = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if kept.contains(byte) { continue }
            buffer.append(UnsafeRawBufferPointer(rebasing: bytes[copied..<(index - 1)]))
            appendEscape(of: byte, to: &buffer)
            copied = index
        }
        buffer.append(UnsafeRawBufferPointer(rebasing: bytes[copied...]))
    }

    package static func appendEscape(of byte: UInt8, to buffer: inout ByteBuffer) {
        let digits: StaticString = "0123456789ABCDEF"
        buffer.append(byte: UInt8(ascii: "%"))
        buffer.append(byte: digits.utf8Start[Int(byte >> 4)])
        buffer.append(byte: digits.utf8Start[Int(byte & 0x0F)])
    }

    /// Appends what `text` means; `false`, with nothing appended, where a `%` is not followed by two digits.
    package static func decode(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) -> Bool {
        guard isWellFormed(text) else { return false }
        decodeLeniently(text, into: &buffer)
        return true
    }

    /// Appends what `text` means; a `%` without two digits stands for itself, as gRPC wants of a reader of
    /// `grpc-message` (gRPC over HTTP/2, "Responses").
    package static func decodeLeniently(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        var copied = 0
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "%"), let byte = escape(at: index, in: text) else { index += 1; continue }
            buffer.append(UnsafeRawBufferPointer(rebasing: text[copied..<index]))
            buffer.append(byte: byte)
            index += 3
            copied = index
        }
        buffer.append(UnsafeRawBufferPointer(rebasing: text[copied...]))
    }

    /// Whether every `%` is followed by two hexadecimal digits.
    package static func isWellFormed(_ text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                if escape(at: index, in: text) == nil { return false }
                index += 3
            } else {
                index += 1
            }
        }
        return true
    }

    /// The byte that the escape beginning at `index` stands for; `nil` where it is none.
    package static func escape(at index: Int, in text: UnsafeRawBufferPointer) -> UInt8? {
        guard index + 2 < text.count, let high = hexDigit(text[index + 1]), let low = hexDigit(text[index + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    /// The value of a hexadecimal digit of either case.
    package static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
