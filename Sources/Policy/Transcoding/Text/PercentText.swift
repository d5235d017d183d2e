/// Percent escapes of paths and queries (RFC 3986, section 2.1).
enum PercentText {
    enum Extent {
        case all
        /// All but `%2F`, so that a slash within a segment stays apart from the one between two (google/api/http.proto, "Path
        /// template syntax").
        case exceptSlash
        /// All, and a plus is a space.
        case query
    }

    /// The byte of two hexadecimal digits.
    static func value(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = digit(high), let low = digit(low) else { return nil }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Appends what the text means.
    static func decode(
        _ text: UnsafeRawBufferPointer, _ extent: Extent, into output: inout Output
    ) throws(Problem) {
        output.reserve(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < text.count, let value = value(text[index + 1], text[index + 2]) else { throw .badPercent }
                if extent == .exceptSlash, value == UInt8(ascii: "/") {
                    output.append(UnsafeRawBufferPointer(rebasing: text[index..<(index + 3)]))
                } else {
                    output.byte(value)
                }
                index += 3
            } else {
                output.byte(extent == .query && byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
    }
}
