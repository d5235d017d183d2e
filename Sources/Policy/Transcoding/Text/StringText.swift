/// Strings as JSON writes them.
enum StringText {
    /// Appends the text in quotes. What is no UTF-8 is refused where the schema says it must be, and replaced elsewhere.
    static func write(_ text: UnsafeRawBufferPointer, isChecked: Bool, to output: inout Output) throws(Problem) {
        output.byte(UInt8(ascii: "\""))
        if let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) {
            let end = start + text.count
            let plain = UTF8Text.plainPrefix(start, end)
            output.append(start, plain)
            if plain < text.count { try writeRest(start + plain, end, isChecked, &output) }
        }
        output.byte(UInt8(ascii: "\""))
    }

    private static func writeRest(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ isChecked: Bool, _ output: inout Output
    ) throws(Problem) {
        var at = start
        var copied = start
        while at < end {
            if at[0] >= 0x80 {
                let length = UTF8Text.scalarLength(at, end)
                if length > 0 { at += length; continue }
                if isChecked { throw .notUTF8 }
                output.append(copied, at - copied)
                output.append("\u{FFFD}")
                at += 1
                copied = at
                continue
            }
            let plain = UTF8Text.plainPrefix(at, end)
            if plain > 0 { at += plain; continue }
            output.append(copied, at - copied)
            escape(at[0], &output)
            at += 1
            copied = at
        }
        output.append(copied, at - copied)
    }

    private static func escape(_ byte: UInt8, _ output: inout Output) {
        switch byte {
        case UInt8(ascii: "\""): output.append("\\\"")
        case UInt8(ascii: "\\"): output.append("\\\\")
        case 0x08: output.append("\\b")
        case 0x09: output.append("\\t")
        case 0x0A: output.append("\\n")
        case 0x0C: output.append("\\f")
        case 0x0D: output.append("\\r")
        default:
            output.append("\\u00")
            let digits: StaticString = "0123456789abcdef"
            output.byte(digits.utf8Start[Int(byte >> 4)])
            output.byte(digits.utf8Start[Int(byte & 0x0F)])
        }
    }
}
