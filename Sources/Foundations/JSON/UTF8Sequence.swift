/// Well-formed UTF-8, by the table of the Unicode Standard (Table 3-7): no surrogate, no overlong form, nothing above 10FFFF.
enum UTF8Sequence {
    /// How many bytes the scalar at the beginning of `bytes` takes; 0 where that is no well-formed sequence.
    static func length(at bytes: UnsafeRawBufferPointer) -> Int {
        guard let first = bytes.first else { return 0 }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: length = 3; second = 0xA0...0xBF
        case 0xED: length = 3; second = 0x80...0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0: length = 4; second = 0x90...0xBF
        case 0xF1...0xF3: length = 4
        case 0xF4: length = 4; second = 0x80...0x8F
        default: return 0
        }
        guard bytes.count >= length, second.contains(bytes[1]) else { return 0 }
        for index in 2..<max(2, length) where bytes[index] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
