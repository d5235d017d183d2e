/// Base64 in its two alphabets (RFC 4648, sections 4 and 5).
///
/// Every decoder here is strict: no whitespace, no foreign byte, no impossible length, and the unused bits of the last
/// character are zero, so that one value has one spelling and a compared text is a compared value.
package enum Base64 {
    // MARK: base64url without padding, as JOSE and PKCE want it

    /// Appends what `text` means; `false`, with nothing appended, where it is not canonical. Padding is not.
    package static func decodeURL(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) -> Bool {
        append(text, with: Tables.urlValues, to: &buffer)
    }

    /// What `text` means; `nil` where it is not canonical. Padding is not.
    package static func decodeURL(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        bytes(of: text, with: Tables.urlValues)
    }

    package static func encodeURL(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        append(bytes, with: Tables.urlAlphabet, padded: false, to: &buffer)
    }

    package static func encodeURL(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        text(of: bytes, with: Tables.urlAlphabet, padded: false)
    }

    // MARK: the standard alphabet, as gRPC's binary metadata and PEM want it

    /// Appends what `text` means, with its padding or without; `false`, with nothing appended, where it is not base64.
    package static func decode(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) -> Bool {
        guard let bare = withoutPadding(text) else { return false }
        return append(bare, with: Tables.standardValues, to: &buffer)
    }

    /// What `text` means, with its padding or without; `nil` where it is not base64.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let bare = withoutPadding(text) else { return nil }
        return bytes(of: bare, with: Tables.standardValues)
    }

    package static func encode(_ bytes: UnsafeRawBufferPointer, padded: Bool = true, into buffer: inout ByteBuffer) {
        append(bytes, with: Tables.standardAlphabet, padded: padded, to: &buffer)
    }

    package static func encode(_ bytes: UnsafeRawBufferPointer, padded: Bool = true) -> [UInt8] {
        text(of: bytes, with: Tables.standardAlphabet, padded: padded)
    }

    // MARK: sizes

    /// How many bytes `count` characters without padding stand for. A count that leaves one over is never base64.
    @inlinable package static func decodedCount(_ count: Int) -> Int { count / 4 * 3 + (count % 4) * 3 / 4 }

    /// How many characters stand for `count` bytes.
    @inlinable package static func encodedCount(_ count: Int, padded: Bool) -> Int {
        padded ? (count + 2) / 3 * 4 : count / 3 * 4 + (count % 3 == 0 ? 0 : count % 3 + 1)
    }

    // MARK: the work

    private static func append(
        _ text: UnsafeRawBufferPointer, with values: UnsafePointer<UInt8>, to buffer: inout ByteBuffer
    ) -> Bool {
        let count = decodedCount(text.count)
        let target = buffer.writable(atLeast: count)
        guard decode(text, with: values, to: target.baseAddress!) else { return false }
        buffer.commit(count)
        return true
    }

    private static func bytes(of text: UnsafeRawBufferPointer, with values: UnsafePointer<UInt8>) -> [UInt8]? {
        var valid = true
        let result = [UInt8](unsafeUninitializedCapacity: decodedCount(text.count)) { target, count in
            guard text.count > 0 else { return }
            guard text.count % 4 != 1, let base = target.baseAddress else { valid = false; return }
            valid = decode(text, with: values, to: UnsafeMutableRawPointer(base))
            count = valid ? decodedCount(text.count) : 0
        }
        return valid ? result : nil
    }

    private static func append(
        _ bytes: UnsafeRawBufferPointer, with alphabet: UnsafePointer<UInt8>, padded: Bool, to buffer: inout ByteBuffer
    ) {
        let count = encodedCount(bytes.count, padded: padded)
        let target = buffer.writable(atLeast: count)
        encode(bytes, with: alphabet, padded: padded, to: target.baseAddress!)
        buffer.commit(count)
    }

    private static func text(
        of bytes: UnsafeRawBufferPointer, with alphabet: UnsafePointer<UInt8>, padded: Bool
    ) -> [UInt8] {
        let total = encodedCount(bytes.count, padded: padded)
        return [UInt8](unsafeUninitializedCapacity: total) { target, count in
            guard total > 0, let base = target.baseAddress else { return }
            encode(bytes, with: alphabet, padded: padded, to: UnsafeMutableRawPointer(base))
            count = total
        }
    }

    /// One or two `=` that complete the last group are taken away; any other `=` is left for the decoder to refuse.
    private static func withoutPadding(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let last = text.last, last == UInt8(ascii: "=") else { return text }
        guard text.count % 4 == 0 else { return nil }
        let pads = text[text.count - 2] == UInt8(ascii: "=") ? 2 : 1
        return UnsafeRawBufferPointer(rebasing: text[0..<(text.count - pads)])
    }

    /// `target` has room for `decodedCount(text.count)` bytes.
    private static func decode(
        _ text: UnsafeRawBufferPointer, with values: UnsafePointer<UInt8>, to target: UnsafeMutableRawPointer
    ) -> Bool {
        let rest = text.count % 4
        guard rest != 1 else { return false }
        guard let source = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        let output = target.assumingMemoryBound(to: UInt8.self)
        // Values are below 64; a foreign byte has the top bit, and one test at the end finds it.
        var seen: UInt8 = 0
        var read = 0
        var written = 0
        let whole = text.count - rest
        while read < whole {
            let a = values[Int(source[read])], b = values[Int(source[read + 1])]
            let c = values[Int(source[read + 2])], d = values[Int(source[read + 3])]
            seen |= a | b | c | d
            output[written] = a << 2 | b >> 4
            output[written + 1] = b << 4 | c >> 2
            output[written + 2] = c << 6 | d
            read += 4
            written += 3
        }
        guard rest > 0 else { return seen < 64 }
        let a = values[Int(source[read])], b = values[Int(source[read + 1])]
        seen |= a | b
        output[written] = a << 2 | b >> 4
        if rest == 2 { return seen < 64 && b & 0x0F == 0 }
        let c = values[Int(source[read + 2])]
        seen |= c
        output[written + 1] = b << 4 | c >> 2
        return seen < 64 && c & 0x03 == 0
    }

    /// `target` has room for `encodedCount(bytes.count, padded:)` bytes.
    private static func encode(
        _ bytes: UnsafeRawBufferPointer, with alphabet: UnsafePointer<UInt8>, padded: Bool,
        to target: UnsafeMutableRawPointer
    ) {
        guard let source = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let output = target.assumingMemoryBound(to: UInt8.self)
        let rest = bytes.count % 3
        let whole = bytes.count - rest
        var read = 0
        var written = 0
        while read < whole {
            let a = source[read], b = source[read + 1], c = source[read + 2]
            output[written] = alphabet[Int(a >> 2)]
            output[written + 1] = alphabet[Int((a & 0x03) << 4 | b >> 4)]
            output[written + 2] = alphabet[Int((b & 0x0F) << 2 | c >> 6)]
            output[written + 3] = alphabet[Int(c & 0x3F)]
            read += 3
            written += 4
        }
        guard rest > 0 else { return }
        let a = source[read], b = rest == 2 ? source[read + 1] : 0
        output[written] = alphabet[Int(a >> 2)]
        output[written + 1] = alphabet[Int((a & 0x03) << 4 | b >> 4)]
        written += 2
        if rest == 2 {
            output[written] = alphabet[Int((b & 0x0F) << 2)]
            written += 1
        }
        guard padded else { return }
        for index in written..<(written + 3 - rest) { output[index] = UInt8(ascii: "=") }
    }

    private enum Tables {
        static var standardAlphabet: UnsafePointer<UInt8> { standardText.utf8Start }
        static var urlAlphabet: UnsafePointer<UInt8> { urlText.utf8Start }

        nonisolated(unsafe) static let standardValues = values(of: standardText)
        nonisolated(unsafe) static let urlValues = values(of: urlText)

        static let standardText: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        static let urlText: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

        /// Lives as long as the process.
        static func values(of alphabet: StaticString) -> UnsafePointer<UInt8> {
            let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
            table.initialize(repeating: 0xFF, count: 256)
            for value in 0..<64 { table[Int(alphabet.utf8Start[value])] = UInt8(value) }
            return UnsafePointer(table)
        }
    }
}
