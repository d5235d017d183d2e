internal import Bytes

/// Lays compact JSON out over several lines, two spaces a level. It is believed to be JSON.
enum JSONIndent {
    static func write(_ json: UnsafeRawBufferPointer, into text: inout ByteBuffer) {
        var level = 0
        var index = 0
        while index < json.count {
            let byte = json[index]
            switch byte {
            case UInt8(ascii: "\""):
                let end = endOfString(json, from: index)
                text.append(UnsafeRawBufferPointer(rebasing: json[index..<end]))
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                text.append(byte: byte)
                if index + 1 < json.count, json[index + 1] == byte + 2 {
                    text.append(byte: byte + 2)
                    index += 1
                } else {
                    level += 1
                    newLine(level, &text)
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level -= 1
                newLine(level, &text)
                text.append(byte: byte)
            case UInt8(ascii: ","):
                text.append(byte: byte)
                newLine(level, &text)
            case UInt8(ascii: ":"): text.append(": ")
            case UInt8(ascii: " "), UInt8(ascii: "\n"): break
            default: text.append(byte: byte)
            }
            index += 1
        }
    }

    private static func newLine(_ level: Int, _ text: inout ByteBuffer) {
        text.append(byte: UInt8(ascii: "\n"))
        for _ in 0..<max(0, level) { text.append("  ") }
    }

    /// Where the string that begins here ends, behind its quote.
    private static func endOfString(_ json: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start + 1
        while index < json.count, json[index] != UInt8(ascii: "\"") { index += json[index] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(index + 1, json.count)
    }
}
