package import Bytes

/// Writes compact JSON with line breaks and two spaces a level, for people.
///
/// It looks at brackets and quotes only, and so expects valid JSON; blanks between its parts are left out.
package struct JSONIndenter {
    /// Beyond this level lines are indented no further.
    private let levelMax: Int

    /// - Parameter levelMax: where what is indented comes from outside: a deep value would grow to many times its size.
    package init(levelMax: Int = .max) { self.levelMax = levelMax }

    /// Appends a value that stands `level` levels deep; its first line is not indented.
    package func append(_ compact: UnsafeRawBufferPointer, level: Int = 0, to output: inout ByteBuffer) {
        var level = level
        var index = 0
        while index < compact.count {
            let byte = compact[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                let start = index - 1
                index = Self.endOfText(compact, from: index)
                output.append(UnsafeRawBufferPointer(rebasing: compact[start..<index]))
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                output.append(byte: byte)
                if index < compact.count, compact[index] == UInt8(ascii: "}") || compact[index] == UInt8(ascii: "]") {
                    output.append(byte: compact[index])
                    index += 1
                } else {
                    level += 1
                    breakLine(level, &output)
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level -= 1
                breakLine(level, &output)
                output.append(byte: byte)
            case UInt8(ascii: ","):
                output.append(byte: byte)
                breakLine(level, &output)
            case UInt8(ascii: ":"): output.append(": ")
            case UInt8(ascii: " "), UInt8(ascii: "\n"): break
            default: output.append(byte: byte)
            }
        }
    }

    package func breakLine(_ level: Int, _ output: inout ByteBuffer) {
        output.append(byte: 0x0A)
        for _ in 0..<min(max(level, 0), levelMax) { output.append("  ") }
    }

    /// Behind the quote that ends a text; `start` lies behind the one that begins it.
    private static func endOfText(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""): return index + 1
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return bytes.count
    }
}
