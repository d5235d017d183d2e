package import Bytes

/// Decodes base64 that comes in pieces, and may be padded in the middle: gRPC-Web's text form pads whatever its sender
/// flushed at once, so each group of four characters stands for itself.
package struct Base64Reader: Sendable {
    private var group: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
    private var count = 0

    package init() {}

    /// Between two groups: the text may end here.
    package var isAtEnd: Bool { count == 0 }

    /// Appends what the text stands for; false where it is no base64.
    package mutating func read(_ text: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) -> Bool {
        var rest = text
        while count > 0, let byte = rest.first {
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
            guard take(byte, into: &buffer) else { return false }
        }
        // Whole stretches without padding are decoded at once.
        while rest.count >= 4 {
            let whole = rest.count & ~3
            let padding = rest.prefix(whole).firstIndex(of: UInt8(ascii: "="))
            let end = padding.map { ($0 & ~3) + 4 } ?? whole
            guard Base64.decode(UnsafeRawBufferPointer(rebasing: rest[..<end]), into: &buffer) else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
        for byte in rest {
            guard take(byte, into: &buffer) else { return false }
        }
        return true
    }

    private mutating func take(_ byte: UInt8, into buffer: inout ByteBuffer) -> Bool {
        withUnsafeMutableBytes(of: &group) { $0[count] = byte }
        count += 1
        guard count == 4 else { return true }
        count = 0
        return withUnsafeBytes(of: group) { Base64.decode($0, into: &buffer) }
    }
}
