import CFieldChecks
import Testing

@Suite("The checks of names and values that nghttp2 calls")
struct FieldChecksTests {
    enum Check: CaseIterable {
        case name, value, trimmedValue, path, authority

        func allows(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            let check =
                switch self {
                case .name: nghttp2_check_header_name
                case .value: nghttp2_check_header_value
                case .trimmedValue: nghttp2_check_header_value_rfc9113
                case .path: nghttp2_check_path
                case .authority: nghttp2_check_authority
                }
            return check(bytes.baseAddress, bytes.count) != 0
        }

        func allows(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBufferPointer(allows) }

        /// Whether the byte may stand anywhere but at the ends.
        func allows(_ byte: UInt8) -> Bool {
            switch self {
            // RFC 9110, section 5.6.2, in lower case (RFC 9113, section 8.2.1).
            case .name: Self.is(byte, "a"..."z") || Self.is(byte, "0"..."9") || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            // RFC 9110, section 5.5: VCHAR, SP, HTAB and obs-text.
            case .value, .trimmedValue: byte == 0x09 || (byte >= 0x20 && byte != 0x7f)
            // Wider than RFC 3986, section 3.3: what nghttp2 lets pass.
            case .path: byte >= 0x21 && byte != 0x7f
            // RFC 3986, section 3.2, with brackets for IPv6.
            case .authority:
                Self.is(byte, "a"..."z") || Self.is(byte, "A"..."Z") || Self.is(byte, "0"..."9")
                    || "!$%&'()*+,-.:;=@[]_~".utf8.contains(byte)
            }
        }

        private static func `is`(_ byte: UInt8, _ range: ClosedRange<Unicode.Scalar>) -> Bool {
            range.contains(Unicode.Scalar(byte))
        }
    }

    @Test("an empty name is refused, an empty value allowed", arguments: Check.allCases)
    func empty(check: Check) {
        #expect(check.allows([]) == (check != .name))
    }

    /// Lengths around the block of sixteen bytes, and one that takes many.
    @Test(
        "each byte is judged alike at every place of texts of every length", arguments: Check.allCases,
        Array(1...49) + [4_096, 4_111])
    func everyByteEverywhere(check: Check, length: Int) {
        let places = length < 64 ? Array(0..<length) : [0, 15, 16, 17, 2_000, length - 17, length - 16, length - 1]
        for place in places {
            var text = [UInt8](repeating: 0x61, count: length)
            for byte in UInt8.min...UInt8.max {
                text[place] = byte
                let isAtAnEnd = place == 0 || place == length - 1
                let isAllowed =
                    switch check {
                    case .trimmedValue where isAtAnEnd: check.allows(byte) && byte != 0x20 && byte != 0x09
                    case .name where place == 0 && byte == UInt8(ascii: ":"): length > 1
                    default: check.allows(byte)
                    }
                if check.allows(text) != isAllowed { Issue.record("\(check): byte \(byte) at \(place) of \(length)") }
            }
        }
    }

    @Test("many of them, and two in one block, do not cancel each other out")
    func severalBytes() {
        for pair: [UInt8] in [[0x00, 0x7f], [0x7f, 0x7f], [0x00, 0x00], [0x1f, 0x0a]] {
            #expect(!Check.value.allows([UInt8](repeating: 0x20, count: 15) + pair + [UInt8](repeating: 0xff, count: 15)))
        }
        #expect(!Check.value.allows([UInt8](repeating: 0x00, count: 256)))
        #expect(Check.value.allows([UInt8](repeating: 0x09, count: 256)))
        #expect(Check.value.allows((0x80...0xff).map { UInt8($0) }))
    }

    @Test("bytes beyond the text are not judged", arguments: Check.allCases, [1, 2, 3, 4, 7, 8, 15, 16, 17, 33])
    func bounds(check: Check, length: Int) {
        let bytes: [UInt8] = [0x00] + [UInt8](repeating: 0x61, count: length) + [0x00]
        bytes.withUnsafeBufferPointer { #expect(check.allows(UnsafeBufferPointer(rebasing: $0[1..<length + 1]))) }
    }

    @Test(
        "a pseudo-header field's name has one colon, before it",
        arguments: [(":path", true), (":", false), ("::", false), ("a:", false)])
    func pseudoHeaderFields(name: String, isAllowed: Bool) {
        #expect(Check.name.allows(Array(name.utf8)) == isAllowed)
    }
}
