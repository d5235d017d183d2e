package import Bytes
package import HTTPModel

/// Why a path is refused before matching: two servers could read it as different paths.
package enum PathFault: Error, Hashable, Sendable, CaseIterable {
    /// Does not begin with `/`.
    case notAbsolute
    /// `//`.
    case emptySegment
    /// `.` or `..`, also escaped, ended by `%2f`, or with parameters behind a `;` that servlet containers drop.
    case dotSegment
    /// `\` or `%5c`, which some servers take for `/`.
    case backslash
    /// `%00`.
    case nul
    /// A `%` without two hex digits behind it.
    case malformedEscape
    /// An escaped letter, digit, `-`, `.`, `_` or `~`, which needs none: a server that decodes it reads another path than one that
    /// matched it (RFC 3986, section 6.2.2.2), and would bypass a rule for the plain one.
    case needlessEscape
    /// A control byte, space, `#`, or a byte outside ASCII, in path or query.
    case forbiddenByte

    /// What the path has too much of, for messages.
    package var what: String {
        switch self {
        case .notAbsolute: "a beginning other than /"
        case .emptySegment: "//"
        case .dotSegment: ". and .. segments"
        case .backslash: "backslashes"
        case .nul: "%00"
        case .malformedEscape: "malformed escapes"
        case .needlessEscape: "escapes of letters, digits, -, ., _ and ~"
        case .forbiddenByte: "control bytes, spaces, # and bytes outside ASCII"
        }
    }
}

/// Where a safe request target divides: path, query, and the service and method of an RPC.
///
/// Nothing is decoded or normalised: what is matched is what is sent. `%2f` is three bytes and never a separator, except
/// that a dot segment may not hide before one. How a server that decodes would read it is in `PathReadings`.
package struct PathShape: Equatable {
    /// The path's length; a query, if any, begins behind the `?` at this offset.
    package private(set) var pathCount: Int
    /// The length of `service` in `/service/method`, zero where the path has not exactly two segments, both non-empty and
    /// without an escape or a `;`: such a path is no RPC's.
    package private(set) var serviceCount = 0
    /// The path has an escape or a `;`: servers differ in what they make of it.
    package private(set) var isAmbiguous = false

    /// What was found of a target before.
    package init(pathCount: Int, serviceCount: Int, isAmbiguous: Bool) {
        self.pathCount = pathCount
        self.serviceCount = serviceCount
        self.isAmbiguous = isAmbiguous
    }

    package init(_ target: BorrowedBytes) throws(PathFault) {
        guard target.count > 0, target[0] == UInt8(ascii: "/") else { throw .notAbsolute }
        pathCount = target.count
        var slashes = 1
        var secondSlash = 0
        try Self.checkSegment(target, at: 1)
        var index = 1
        scan: while index < target.count {
            let byte = target[index]
            index += 1
            if HTTPGrammar.isPlainInPath(byte) { continue }
            switch byte {
            case UInt8(ascii: "/"):
                slashes += 1
                if slashes == 2 { secondSlash = index - 1 }
                if target[index - 2] == UInt8(ascii: "/") { throw .emptySegment }
                try Self.checkSegment(target, at: index)
            case UInt8(ascii: "?"):
                pathCount = index - 1
                try Self.checkQuery(target, from: index)
                break scan
            case UInt8(ascii: "%"):
                guard let value = Self.escaped(target, at: index - 1) else { throw .malformedEscape }
                index += 2
                isAmbiguous = true
                if value == 0 { throw .nul }
                if HTTPGrammar.isUnreserved(value) { throw .needlessEscape }
                if value == UInt8(ascii: "\\") { throw .backslash }
                if value == UInt8(ascii: "/") { try Self.checkSegment(target, at: index) }
            case UInt8(ascii: ";"):
                isAmbiguous = true
            case UInt8(ascii: "\\"):
                throw .backslash
            default:
                throw .forbiddenByte
            }
        }
        if slashes == 2, secondSlash > 1, secondSlash + 1 < pathCount, !isAmbiguous { serviceCount = secondSlash - 1 }
    }

    /// What is wrong with a path in a configuration.
    package static func fault(in path: String) -> PathFault? {
        var path = path
        return path.withUTF8 { bytes in
            do throws(PathFault) {
                _ = try PathShape(BorrowedBytes(bytes))
                return nil
            } catch {
                return error
            }
        }
    }

    /// Refuses a segment of one or two dots that begins at `start`.
    @inline(__always)
    private static func checkSegment(_ target: BorrowedBytes, at start: Int) throws(PathFault) {
        guard start < target.count, target[start] == UInt8(ascii: ".") || target[start] == UInt8(ascii: "%") else { return }
        if isDotSegment(target, at: start) { throw .dotSegment }
    }

    private static func isDotSegment(_ target: BorrowedBytes, at start: Int) -> Bool {
        var index = start
        var dots = 0
        while dots < 2, index < target.count {
            if target[index] == UInt8(ascii: ".") {
                index += 1
            } else if escaped(target, at: index) == UInt8(ascii: ".") {
                index += 3
            } else {
                break
            }
            dots += 1
        }
        guard dots > 0 else { return false }
        guard index < target.count else { return true }
        switch target[index] {
        case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: ";"): return true
        case UInt8(ascii: "%"):
            let next = escaped(target, at: index)
            return next == UInt8(ascii: "/") || next == UInt8(ascii: ";")
        default: return false
        }
    }

    private static func checkQuery(_ target: BorrowedBytes, from start: Int) throws(PathFault) {
        var index = start
        while index < target.count {
            guard HTTPGrammar.isQuery(target[index]) else { throw .forbiddenByte }
            index += 1
        }
    }

    /// The byte that `%xx` at `index` stands for; `nil` where there is no well-formed escape.
    private static func escaped(_ target: BorrowedBytes, at index: Int) -> UInt8? {
        guard index < target.count, target[index] == UInt8(ascii: "%") else { return nil }
        return PercentCoding.escape(at: index, in: target)
    }
}
