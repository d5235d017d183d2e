internal import Bytes
internal import Glibc

/// Writes one JSON object as one line into memory of a fixed size, field by field, without a String.
///
/// A field's name comes with everything around it, `,"name":` and the opening quote of a text, so that it is one copy.
/// Empty texts are left out. Each text says how many of its bytes it may use at most, so the longest possible line is
/// known, and the memory is that large: running over it is our own bug.
struct JSONLine {
    private let start: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        start = memory.baseAddress!
        capacity = memory.count
    }

    /// The end of the object, after at least one field.
    mutating func end() { put(name: "}\n", room: 0) }

    mutating func write(_ name: StaticString, _ text: UnsafeRawBufferPointer, atMost limit: Int) {
        if text.isEmpty { return }
        let text = text.count > limit ? Self.cut(text, to: limit) : text
        // Six bytes for each of the text, and the closing quote.
        put(name: name, room: 6 * text.count + 1)
        if Self.isPlain(text) {
            memcpy(start + count, text.baseAddress!, text.count)
            count += text.count
        } else {
            escape(text)
        }
        put(UInt8(ascii: "\""))
    }

    mutating func write(_ name: StaticString, _ number: UInt64) {
        put(name: name, room: 20)
        count += Decimal.write(number, to: start + count)
    }

    /// `length` bytes that need no escape, written by `body`.
    mutating func write(_ name: StaticString, plain length: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        put(name: name, room: length + 1)
        body(start + count)
        count += length
        put(UInt8(ascii: "\""))
    }

    private mutating func put(name: StaticString, room: Int) {
        precondition(capacity - count >= name.utf8CodeUnitCount + room)
        memcpy(start + count, name.utf8Start, name.utf8CodeUnitCount)
        count += name.utf8CodeUnitCount
    }

    private mutating func put(_ byte: UInt8) {
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Not in the middle of a UTF-8 sequence.
    private static func cut(_ text: UnsafeRawBufferPointer, to limit: Int) -> UnsafeRawBufferPointer {
        var end = limit
        while end > 0, limit - end < 3, text[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: text[0..<end])
    }

    private mutating func escape(_ text: UnsafeRawBufferPointer) {
        var index = 0
        while index < text.count { index += escapeOne(text, at: index) }
    }

    /// Whether nothing in a text that is not empty needs an escape. Looks at eight bytes at a time, the last ones again
    /// with those before.
    private static func isPlain(_ text: UnsafeRawBufferPointer) -> Bool {
        if text.count < 4 {
            // Three bytes, some of them the same one, and five that are plain.
            let (first, middle, last) = (text[0], text[text.count / 2], text[text.count - 1])
            return isPlain(0x6161_6161_6100_0000 | UInt64(first) | UInt64(middle) << 8 | UInt64(last) << 16)
        }
        if text.count < 8 {
            let first = text.loadUnaligned(as: UInt32.self)
            let last = text.loadUnaligned(fromByteOffset: text.count - 4, as: UInt32.self)
            return isPlain(UInt64(first) | UInt64(last) << 32)
        }
        var offset = 0
        while offset + 8 <= text.count {
            guard isPlain(text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) else { return false }
            offset += 8
        }
        return isPlain(text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self))
    }

    /// Whether all eight bytes are printable ASCII other than `"` and `\`: none has its top bit, nor gets it by what
    /// would need a borrow or a carry. Where one does, its neighbours may too, but the answer is no already.
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = word &- ones &* 0x20
        let delete = word &+ ones
        let quote = (word ^ ones &* 0x22) &- ones
        let backslash = (word ^ ones &* 0x5C) &- ones
        return (word | control | delete | quote | backslash) & 0x8080_8080_8080_8080 == 0
    }

    /// One character; returns how many bytes of the text it took. What is not UTF-8 is shown byte by byte as U+0080 to
    /// U+00FF, which is how HTTP once read such bytes.
    private mutating func escapeOne(_ text: UnsafeRawBufferPointer, at index: Int) -> Int {
        let byte = text[index]
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            put(UInt8(ascii: "\\"))
            put(byte)
            return 1
        }
        if byte >= 0x20, byte < 0x7F {
            put(byte)
            return 1
        }
        let length = byte < 0x80 ? 0 : Self.sequenceLength(text, at: index)
        if length > 0 {
            for offset in 0..<length { put(text[index + offset]) }
            return length
        }
        memcpy(start + count, "\\u00", 4)
        Hexadecimal.write(UInt64(byte), digits: 2, to: start + count + 4)
        count += 6
        return 1
    }

    /// The length of the well-formed UTF-8 sequence of two to four bytes at `index`, or 0 (Unicode, table 3-7).
    private static func sequenceLength(_ text: UnsafeRawBufferPointer, at index: Int) -> Int {
        let lead = text[index]
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard text.count - index >= length, second.contains(text[index + 1]) else { return 0 }
        for offset in stride(from: 2, to: length, by: 1) where text[index + offset] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
