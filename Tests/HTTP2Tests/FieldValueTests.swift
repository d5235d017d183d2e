import CFieldValue
import Testing

@Suite("The check of a field's value that nghttp2 calls")
struct FieldValueTests {
    private static func allows(_ value: [UInt8]) -> Bool {
        value.withUnsafeBufferPointer { nghttp2_check_header_value($0.baseAddress, $0.count) != 0 }
    }

    @Test("an empty value is allowed")
    func empty() {
        #expect(Self.allows([]))
    }

    /// Lengths around the block of sixteen bytes, and one that takes many.
    @Test("each byte is judged alike at every place of values of every length", arguments: Array(0...49) + [4_096, 4_111])
    func everyByteEverywhere(length: Int) {
        let places = length < 64 ? Array(0..<length) : [0, 15, 16, 17, 2_000, length - 17, length - 16, length - 1]
        for place in places {
            var value = [UInt8](repeating: 0x61, count: length)
            for byte in UInt8.min...UInt8.max {
                value[place] = byte
                // RFC 9110, section 5.5: VCHAR, SP, HTAB and obs-text.
                let isAllowed = byte == 0x09 || (byte >= 0x20 && byte != 0x7f)
                #expect(Self.allows(value) == isAllowed, "byte \(byte) at \(place) of \(length)")
            }
        }
    }

    @Test("many of them, and two in one block, do not cancel each other out")
    func severalBytes() {
        for pair: [UInt8] in [[0x00, 0x7f], [0x7f, 0x7f], [0x00, 0x00], [0x1f, 0x0a]] {
            #expect(!Self.allows([UInt8](repeating: 0x20, count: 15) + pair + [UInt8](repeating: 0xff, count: 15)))
        }
        #expect(!Self.allows([UInt8](repeating: 0x00, count: 256)))
        #expect(Self.allows([UInt8](repeating: 0x09, count: 256)))
        #expect(Self.allows((0x80...0xff).map { UInt8($0) }))
    }

    @Test("bytes beyond the value are not judged", arguments: [1, 15, 16, 17, 33])
    func bounds(length: Int) {
        let bytes: [UInt8] = [0x00] + [UInt8](repeating: 0x61, count: length) + [0x00]
        bytes.withUnsafeBufferPointer { #expect(nghttp2_check_header_value($0.baseAddress! + 1, length) == 1) }
    }
}
