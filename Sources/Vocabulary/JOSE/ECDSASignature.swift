internal import Crypto

/// ECDSA signatures in JOSE are two numbers of the curve's full length, r then s (RFC 7518, section 3.4); OpenSSL wants
/// them as a DER SEQUENCE of two INTEGERs.
enum ECDSASignature {
    /// Hands over the signature in DER; `nil` where `raw` has not exactly the curve's length.
    static func withDER<Result>(
        of raw: UnsafeRawBufferPointer, on curve: Curve, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        let size = curve.coordinateBytes
        guard raw.count == 2 * size else { return nil }
        // P-521's is the longest: 3 bytes before, and 2 + 1 + 66 for each number.
        return withUnsafeTemporaryAllocation(byteCount: 144, alignment: 1) { target in
            let r = UnsafeRawBufferPointer(rebasing: raw[..<size])
            let s = UnsafeRawBufferPointer(rebasing: raw[size...])
            // Two short halves stay below 128 bytes and take one byte of length; P-521's take two.
            let length = integerBytes(r) + integerBytes(s)
            var written = 0
            func put(_ byte: UInt8) { target[written] = byte; written += 1 }
            func put(integer number: UnsafeRawBufferPointer) {
                let bare = withoutLeadingZeros(number)
                put(0x02)
                put(UInt8(integerBytes(number) - 2))
                if bare[bare.startIndex] & 0x80 != 0 { put(0) }
                for byte in bare { put(byte) }
            }
            put(0x30)
            if length >= 0x80 { put(0x81) }
            put(UInt8(length))
            put(integer: r)
            put(integer: s)
            return body(UnsafeRawBufferPointer(rebasing: target[..<written]))
        }
    }

    private static func integerBytes(_ number: UnsafeRawBufferPointer) -> Int {
        let bare = withoutLeadingZeros(number)
        // A leading one bit would mean a negative number, so a zero byte goes before it.
        return 2 + bare.count + (bare[bare.startIndex] & 0x80 != 0 ? 1 : 0)
    }

    /// At least one byte stays: zero is written as zero, and OpenSSL refuses it.
    private static func withoutLeadingZeros(_ number: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        var start = 0
        while start < number.count - 1, number[start] == 0 { start += 1 }
        return number[start...]
    }
}
