package import Bytes
internal import HTTPModel

/// `paths: normalize`: what a path with needless escapes and empty segments becomes before anything is decided by it.
///
///     //v1//%6Frders?a=//b  ─▶  /v1/orders?a=//b
///
/// Escapes of unreserved characters are undone (RFC 3986, section 6.2.2.2) and empty segments taken out, once: what comes to light
/// is no further escape, and a dot segment is refused as one that was sent.
package enum PathNormalization {
    /// Whether a target that is refused for this may become one that is not.
    package static func canRepair(_ fault: PathFault) -> Bool {
        switch fault {
        case .emptySegment, .needlessEscape: true
        case .notAbsolute, .dotSegment, .backslash, .nul, .malformedEscape, .forbiddenByte: false
        }
    }

    /// The query stays as it was sent.
    package static func normalized(_ target: BorrowedBytes) -> [UInt8] {
        var normal: [UInt8] = []
        normal.reserveCapacity(target.count)
        var index = 0
        while index < target.count, target[index] != UInt8(ascii: "?") {
            var byte = target[index]
            index += 1
            if byte == UInt8(ascii: "%"), let meant = PercentCoding.escape(at: index - 1, in: target),
                HTTPGrammar.isUnreserved(meant)
            {
                byte = meant
                index += 2
            } else if byte == UInt8(ascii: "/"), normal.last == byte {
                continue
            }
            normal.append(byte)
        }
        return normal + target[index...]
    }

    /// `%2F`, which servers behind may take for `/`: refused where paths are normalized.
    package static func hasEscapedSlash(_ path: BorrowedBytes) -> Bool {
        path.indices.contains { path[$0] == UInt8(ascii: "%") && PercentCoding.escape(at: $0, in: path) == UInt8(ascii: "/") }
    }
}
