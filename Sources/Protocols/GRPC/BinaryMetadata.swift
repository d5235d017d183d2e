package import Bytes
internal import Glibc

/// The values of `…-bin` metadata: bytes in base64 (gRPC over HTTP/2, "Custom-Metadata").
///
/// Written without padding, read with it or without. A proxy may have joined several fields of one name with commas,
/// which base64 has not, so a value is split there before it is decoded.
package enum BinaryMetadata {
    package static func isBinary(name: UnsafeRawBufferPointer) -> Bool {
        name.count > 4 && memcmp(name.baseAddress! + (name.count - 4), "-bin", 4) == 0
    }

    package static func encode(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        Base64.encode(bytes, padded: false, into: &buffer)
    }

    /// Decodes every value in `field` and gives it to `visit`, through `scratch`; the bytes are valid during the call.
    /// `false` at the first value that is not base64; those before it were visited.
    package static func decode(
        _ field: UnsafeRawBufferPointer, through scratch: inout ByteBuffer, visit: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var isGood = true
        forEachValue(of: field) { value in
            guard isGood else { return }
            scratch.removeAll()
            isGood = Base64.decode(value, into: &scratch)
            if isGood { visit(scratch.readable) }
        }
        return isGood
    }

    /// Visits every value in `field` as it travels, in base64.
    package static func forEachValue(of field: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) -> Void) {
        var rest = field
        while true {
            let comma = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.count
            visit(trimmed(UnsafeRawBufferPointer(rebasing: rest[..<comma])))
            guard comma < rest.count else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[(comma + 1)...])
        }
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var range = bytes[...]
        while let byte = range.first, byte == 0x20 || byte == 0x09 { range = range.dropFirst() }
        while let byte = range.last, byte == 0x20 || byte == 0x09 { range = range.dropLast() }
        return UnsafeRawBufferPointer(rebasing: range)
    }
}
