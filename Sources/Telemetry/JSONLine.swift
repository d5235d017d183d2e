internal import Bytes
internal import Glibc

/// Writes one JSON object as one line into memory of a fixed size, field by field, without a String.
///
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

    /// The most that `write(_:_:atMost:)` adds beside the name: six bytes for each of the text, quotes, comma, colon.
    private static func reserve(_ count: Int) -> Int { 6 * count + 8 }

    mutating func begin() { put(UInt8(ascii: "{")) }

    mutating func end() {
        put(UInt8(ascii: "}"))
        put(0x0A)
    }

    mutating func write(_ name: StaticString, _ text: UnsafeRawBufferPointer, atMost limit: Int) {
        if text.isEmpty { return }
        let text = Self.cut(text, to: limit)
        key(name, room: Self.reserve(text.count))
        put(UInt8(ascii: "\""))
        escape(text)
        put(UInt8(ascii: "\""))
    }

    mutating func write(_ name: StaticString, _ number: UInt64) {
        key(name, room: 24)
        count += Decimal.write(number, to: start + count)
    }

    /// Quotes around `length` bytes that need no escape, written by `body`.
    mutating func write(_ name: StaticString, plain length: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        key(name, room: Self.reserve(length))
        put(UInt8(ascii: "\""))
        body(start + count)
        count += length
        put(UInt8(ascii: "\""))
    }

    private mutating func key(_ name: StaticString, room: Int) {
        precondition(capacity - count >= name.utf8CodeUnitCount + 8 + room)
        if count > 1 { put(UInt8(ascii: ",")) }
        put(UInt8(ascii: "\""))
        memcpy(start + count, name.utf8Start, name.utf8CodeUnitCount)
        count += name.utf8CodeUnitCount
        put(UInt8(ascii: "\""))
        put(UInt8(ascii: ":"))
    }

    private mutating func put(_ byte: UInt8) {
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Not in the middle of a UTF-8 sequence.
    private static func cut(_ text: UnsafeRawBufferPointer, to limit: Int) -> UnsafeRawBufferPointer {
        guard text.count > limit else { return text }
        var end = limit
        while end > 0, limit - end < 3, text[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: text[0..<end])
    }

    private mutating func escape(_ text: UnsafeRawBufferPointer) {
        var index = 0
        while index < text.count {
            if text.count - index >= 8 {
                let word = text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if Self.isPlain(word) {
                    start.storeBytes(of: word, toByteOffset: count, as: UInt64.self)
                    count += 8
                    index += 8
                    continue
                }
            }
            index += escapeOne(text, at: index)
        }
    }

    /// Whether all eight bytes are printable ASCII other than `"` and `\`.
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        func hasZero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & tops }
        // Exact for bytes without the top bit, and those with it are not plain anyway.
        let control = (word &- ones &* 0x20) & tops
        let delete = (word &+ ones) & tops
        return (word & tops) | control | delete | hasZero(word ^ (ones &* 0x22)) | hasZero(word ^ (ones &* 0x5C)) == 0
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
