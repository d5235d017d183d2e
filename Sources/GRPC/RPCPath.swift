internal import Glibc

/// The service and method that a path of the shape `/package.Service/Method` names.
///
/// Both are slices of the path and live as long as it. Compared byte for byte when routing; here only the shape is
/// asked for: two parts, no query, and only bytes that a service or method can have (letters, digits, `_`, `-`, and in
/// the service `.` between two of those). So `/v1/orders` has the shape as well, and matches no service called `v1`.
/// (gRPC over HTTP/2, "Requests", Path.)
package struct RPCPath {
    package let service: UnsafeRawBufferPointer
    package let method: UnsafeRawBufferPointer

    /// `nil` where the path has another shape.
    package init?(_ path: UnsafeRawBufferPointer) {
        guard path.count >= 4, path[0] == UInt8(ascii: "/"),
            let slash = memchr(path.baseAddress! + 1, Int32(UInt8(ascii: "/")), path.count - 1)
        else { return nil }
        let end = UnsafeRawPointer(slash) - path.baseAddress!
        service = UnsafeRawBufferPointer(rebasing: path[1..<end])
        method = UnsafeRawBufferPointer(rebasing: path[(end + 1)...])
        guard Self.isDottedName(service), Self.isName(method) else { return nil }
    }

    private static func isDottedName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var partIsEmpty = true
        for byte in bytes {
            if isNameByte(byte) {
                partIsEmpty = false
            } else {
                guard byte == UInt8(ascii: "."), !partIsEmpty else { return false }
                partIsEmpty = true
            }
        }
        return !partIsEmpty
    }

    private static func isName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes where !isNameByte(byte) { return false }
        return bytes.count > 0
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
