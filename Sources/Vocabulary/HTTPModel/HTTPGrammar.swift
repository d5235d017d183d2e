/// The character classes of HTTP and of URIs, as bits: no table in memory, no branch per class.
@usableFromInline package enum HTTPGrammar {
    /// `tchar` (RFC 9110, section 5.6.2): what names, methods and many values are made of.
    @inlinable package static func isToken(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// A byte of a field value: visible, space, tab or above ASCII (RFC 9110, section 5.5). No NUL, CR, LF, DEL or other
    /// control character.
    @inlinable package static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }

    /// A byte of a reg-name: `unreserved / "%" / sub-delims` (RFC 3986, section 3.2.2) without the comma, which is where
    /// two Host fields were merged into one.
    @inlinable package static func isRegName(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x2BFF_6FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// What a host name usually is made of: lower-case letters, digits, `-`, `.` and `_`. Not `%`: a reg-name may be
    /// percent-encoded (RFC 3986, section 3.2.2), and would hide a host from its routes.
    @inlinable package static func isLowerCaseHost(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_8000_0000)
    }

    /// What never needs an escape (RFC 3986, section 2.3).
    @inlinable package static func isUnreserved(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// A visible byte of a path that divides nothing and that no reader takes for another: all but `/ ? % \ # ;`.
    @inlinable package static func isPlainInPath(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x77FF_7FD6_0000_0000, high: 0x7FFF_FFFF_EFFF_FFFF)
    }

    /// A visible byte but `#`.
    @inlinable package static func isQuery(_ byte: UInt8) -> Bool {
        contains(byte, low: 0xFFFF_FFF6_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
    }

    @inlinable package static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    @inlinable package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    @inlinable static func contains(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
        byte < 128 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }

    /// Whether `bytes` is `text`, ASCII letters compared without case. `text` is written in lower case.
    package static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where lowercased(bytes[index]) != text.utf8Start[index] { return false }
        return true
    }

    /// The same, between two slices of unknown case.
    package static func equalsIgnoringCase(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where lowercased(left[index]) != lowercased(right[index]) { return false }
        return true
    }
}
