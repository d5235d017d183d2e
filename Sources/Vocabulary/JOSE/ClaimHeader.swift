package import Bytes
package import JSON

/// Claims as header values for upstreams.
///
/// Strings, numbers and booleans as they read; arrays of them joined by commas. Bytes outside 0x20–0x7E and `%` are
/// percent-encoded, in an element of an array commas too, and so is a space at either end, which HTTP would strip: who
/// splits at commas and decodes gets back exactly what the issuer wrote.
package enum ClaimHeader {
    /// Appends the value, which may be empty; `false`, with nothing appended, where there is none: `null`, objects, and
    /// arrays that hold one of those or another array.
    package static func append(_ claim: JSONValue, to buffer: inout ByteBuffer) -> Bool {
        switch claim.kind {
        case .null, .object: return false
        case .string, .number, .boolean:
            encode(claim, isElement: false, to: &buffer)
            return true
        case .array:
            guard claim.elements.allSatisfy({ $0.kind == .string || $0.kind == .number || $0.kind == .boolean }) else {
                return false
            }
            for (index, element) in claim.elements.enumerated() {
                if index > 0 { buffer.append(byte: UInt8(ascii: ",")) }
                encode(element, isElement: true, to: &buffer)
            }
            return true
        }
    }

    private static func encode(_ scalar: JSONValue, isElement: Bool, to buffer: inout ByteBuffer) {
        _ = scalar.withScalar { text in
            // Runs that need nothing are copied whole.
            var copied = 0
            for index in 0..<text.count {
                let byte = text[index]
                let isEnd = index == 0 || index == text.count - 1
                switch byte {
                case UInt8(ascii: "%"), ..<0x20, 0x7F...: break
                case UInt8(ascii: ",") where isElement: break
                case UInt8(ascii: " ") where isEnd: break
                default: continue
                }
                buffer.append(UnsafeRawBufferPointer(rebasing: text[copied..<index]))
                PercentCoding.appendEscape(of: byte, to: &buffer)
                copied = index + 1
            }
            buffer.append(UnsafeRawBufferPointer(rebasing: text[copied...]))
        }
    }
}
