/// A name as DNS knows it: labels of 1 to 63 bytes, 255 bytes in all (RFC 1035, section 2.3.4), compared without case.
package struct DomainName: Hashable, Sendable, CustomStringConvertible {
    /// Each label behind its length, in lower case, and the root's empty label at the end.
    package let wire: [UInt8]

    package static let wireBytesMax = 255
    package static let labelBytesMax = 63
    package static let root = DomainName(wire: [0])

    /// `wire` is well formed.
    init(wire: [UInt8]) { self.wire = wire }

    /// `orders.internal`, with a dot behind it or not; `.` is the root. `nil` where a label is empty or anything is too long.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        guard !bytes.isEmpty else {
            guard text == "." else { return nil }
            self = .root
            return
        }
        var wire: [UInt8] = []
        for label in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...Self.labelBytesMax).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label.map(Self.lowercase)
        }
        wire.append(0)
        guard wire.count <= Self.wireBytesMax else { return nil }
        self.wire = wire
    }

    /// With the labels of `suffix` behind its own; `nil` where that is too long.
    package func appending(_ suffix: DomainName) -> DomainName? {
        let joined = wire.dropLast() + suffix.wire
        return joined.count <= Self.wireBytesMax ? DomainName(wire: Array(joined)) : nil
    }

    /// Without a dot behind it. What is no printable letter, and a dot within a label, is escaped (RFC 1035, section 5.1).
    package var description: String {
        guard wire.count > 1 else { return "." }
        var text = ""
        var index = 0
        while wire[index] != 0 {
            if index > 0 { text += "." }
            for byte in wire[(index + 1)...(index + Int(wire[index]))] {
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
                case 0x21...0x7e: text += String(UnicodeScalar(byte))
                default:
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            index += 1 + Int(wire[index])
        }
        return text
    }

    static func lowercase(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
