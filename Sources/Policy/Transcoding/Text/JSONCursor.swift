/// Walks over JSON text with a pointer, building nothing (RFC 8259).
struct JSONCursor {
    /// A string's text between its quotes, escapes not undone.
    struct Text {
        var start: UnsafePointer<UInt8>
        var count: Int
        var hasEscapes: Bool
    }

    var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>

    @inline(__always)
    mutating func skipSpace() {
        while at < end, at[0] <= 0x20, at[0] == 0x20 || at[0] == 0x0A || at[0] == 0x0D || at[0] == 0x09 { at += 1 }
    }

    /// The next byte that is no white space, not consumed.
    @inline(__always)
    mutating func peek() throws(Problem) -> UInt8 {
        skipSpace()
        if at == end { throw .endsTooEarly }
        return at[0]
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(Problem) {
        guard try peek() == byte else { throw .unexpectedByte }
        at += 1
    }

    /// Consumes a comma and says yes, or consumes the closing byte and says no.
    @inline(__always)
    mutating func anotherFollows(before close: UInt8) throws(Problem) -> Bool {
        let byte = try peek()
        guard byte == UInt8(ascii: ",") || byte == close else { throw .unexpectedByte }
        at += 1
        return byte != close
    }

    mutating func word(_ word: StaticString) throws(Problem) {
        for index in 0..<word.utf8CodeUnitCount {
            if at == end { throw .endsTooEarly }
            if at[0] != word.utf8Start[index] { throw .unexpectedByte }
            at += 1
        }
    }

    /// The string at the cursor, checked to be UTF-8 without control characters. Its escapes are checked when undone.
    @inline(__always)
    mutating func string() throws(Problem) -> Text {
        guard at < end, at[0] == UInt8(ascii: "\"") else { throw .expectedString }
        at += 1
        let start = at
        at += UTF8Text.plainPrefix(at, end)
        if at < end, at[0] == UInt8(ascii: "\"") {
            at += 1
            return Text(start: start, count: at - start - 1, hasEscapes: false)
        }
        return try longString(start)
    }

    private mutating func longString(_ start: UnsafePointer<UInt8>) throws(Problem) -> Text {
        var hasEscapes = false
        while at < end {
            let byte = at[0]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return Text(start: start, count: at - start - 1, hasEscapes: hasEscapes)
            } else if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                guard end - at >= 2 else { throw .endsTooEarly }
                at += 2
            } else if byte < 0x20 {
                throw .controlCharacter
            } else {
                repeat {
                    let length = UTF8Text.scalarLength(at, end)
                    if length == 0 { throw .notUTF8 }
                    at += length
                } while at < end && at[0] >= 0x80
            }
            at += UTF8Text.plainPrefix(at, end)
        }
        throw .endsTooEarly
    }

    // MARK: passing over what is not wanted

    /// Checks the value at the cursor as strictly as one that is wanted.
    mutating func skipValue(depthLeft: Int) throws(Problem) {
        switch try peek() {
        case UInt8(ascii: "{"):
            guard depthLeft > 0 else { throw .tooDeep }
            at += 1
            if try peek() == UInt8(ascii: "}") { at += 1; return }
            repeat {
                guard try peek() == UInt8(ascii: "\"") else { throw .unexpectedByte }
                try skipString()
                try expect(UInt8(ascii: ":"))
                try skipValue(depthLeft: depthLeft - 1)
            } while try anotherFollows(before: UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            guard depthLeft > 0 else { throw .tooDeep }
            at += 1
            if try peek() == UInt8(ascii: "]") { at += 1; return }
            repeat { try skipValue(depthLeft: depthLeft - 1) } while try anotherFollows(before: UInt8(ascii: "]"))
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try NumberText(&at, end)
        default: throw .unexpectedByte
        }
    }

    private mutating func skipString() throws(Problem) {
        let text = try string()
        guard text.hasEscapes else { return }
        var nothing = Output(capacity: text.count + 8)
        try Self.undoEscapes(text, into: &nothing)
    }

    // MARK: escapes

    /// Appends what the text means, which is never longer.
    static func undoEscapes(_ text: Text, into output: inout Output) throws(Problem) {
        output.reserve(text.count)
        let end = text.start + text.count
        var at = text.start
        var target = output.at
        while at < end {
            if at[0] != UInt8(ascii: "\\") {
                target[0] = at[0]
                target += 1
                at += 1
                continue
            }
            guard end - at >= 2 else { throw .badEscape }
            let plain: UInt8
            switch at[1] {
            case UInt8(ascii: "\""): plain = 0x22
            case UInt8(ascii: "\\"): plain = 0x5C
            case UInt8(ascii: "/"): plain = 0x2F
            case UInt8(ascii: "b"): plain = 0x08
            case UInt8(ascii: "f"): plain = 0x0C
            case UInt8(ascii: "n"): plain = 0x0A
            case UInt8(ascii: "r"): plain = 0x0D
            case UInt8(ascii: "t"): plain = 0x09
            case UInt8(ascii: "u"):
                at += 2
                target = write(scalar: try scalar(&at, end), to: target)
                continue
            default: throw .badEscape
            }
            target[0] = plain
            target += 1
            at += 2
        }
        output.advance(to: target)
    }

    /// What the four digits at `at` stand for, with the other half of a pair.
    private static func scalar(_ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) throws(Problem) -> UInt32 {
        let high = try digits(&at, end)
        guard high >= 0xD800, high < 0xE000 else { return high }
        guard high < 0xDC00, end - at >= 2, at[0] == UInt8(ascii: "\\"), at[1] == UInt8(ascii: "u") else {
            throw .loneSurrogate
        }
        at += 2
        let low = try digits(&at, end)
        guard low >= 0xDC00, low < 0xE000 else { throw .loneSurrogate }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private static func digits(_ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) throws(Problem) -> UInt32 {
        guard end - at >= 4 else { throw .badEscape }
        var value: UInt32 = 0
        for index in 0..<4 {
            let byte = at[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - 0x30
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw .badEscape
            }
            value = value << 4 | UInt32(digit)
        }
        at += 4
        return value
    }

    private static func write(scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(scalar >> shift & 0x3F) }
        if scalar < 0x80 {
            target[0] = UInt8(scalar)
            return target + 1
        } else if scalar < 0x800 {
            target[0] = 0xC0 | UInt8(scalar >> 6)
            target[1] = tail(0)
            return target + 2
        } else if scalar < 0x10000 {
            target[0] = 0xE0 | UInt8(scalar >> 12)
            target[1] = tail(6)
            target[2] = tail(0)
            return target + 3
        }
        target[0] = 0xF0 | UInt8(scalar >> 18)
        target[1] = tail(12)
        target[2] = tail(6)
        target[3] = tail(0)
        return target + 4
    }
}
