internal import Bytes

/// What a server that decodes a path before it routes may make of it. Servers differ, and all that are common are here:
///
///     /orders%2FCreate     ─▶ /orders/Create      escapes are undone, twice encoded ones too
///     /admin;x=1/users     ─▶ /admin/users        parameters of a segment are dropped, before or after that
///     /a%2F%2F.%2Fb        ─▶ /a/b                what comes to light is resolved
///
/// A call whose path leads to another route by one of its readings would bypass the rules of the route that serves it.
struct PathReadings {
    private let readings: [[UInt8]]

    init(_ path: BorrowedBytes) {
        let sent = Array(path)
        let decoded = Self.decode(sent)
        let cut = Self.withoutParameters(Self.decode(Self.withoutParameters(sent)))
        readings = [decoded, Self.withoutParameters(decoded), cut].map { Self.resolve($0) }
    }

    func allSatisfy(_ body: (BorrowedBytes) -> Bool) -> Bool {
        readings.allSatisfy { $0.withUnsafeBytes(body) }
    }

    /// Undoes all escapes, and those that come to light by it.
    static func decode(_ path: [UInt8]) -> [UInt8] {
        var path = path
        while true {
            var decoded: [UInt8] = []
            decoded.reserveCapacity(path.count)
            var index = 0
            while index < path.count {
                if path[index] == UInt8(ascii: "%"), let byte = path.withUnsafeBytes({ PercentCoding.escape(at: index, in: $0) }) {
                    decoded.append(byte)
                    index += 3
                } else {
                    decoded.append(path[index])
                    index += 1
                }
            }
            // Each round is shorter by two bytes at least.
            if decoded.count == path.count { return decoded }
            path = decoded
        }
    }

    /// Drops what stands behind a `;` in each segment (RFC 3986, section 3.3; Servlet 6.0, section 3.5.2).
    private static func withoutParameters(_ path: [UInt8]) -> [UInt8] {
        var isParameter = false
        return path.filter { byte in
            if byte == UInt8(ascii: "/") { isParameter = false }
            if byte == UInt8(ascii: ";") { isParameter = true }
            return !isParameter
        }
    }

    /// Takes `\` for `/`, and empty and dot segments out (RFC 3986, section 5.2.4).
    private static func resolve(_ path: [UInt8]) -> [UInt8] {
        var segments: [ArraySlice<UInt8>] = []
        var isFolder = true
        for segment in path.split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
        {
            let isParent = segment.elementsEqual("..".utf8)
            isFolder = segment.isEmpty || isParent || segment.elementsEqual(".".utf8)
            if isParent { _ = segments.popLast() }
            if !isFolder { segments.append(segment) }
        }
        var resolved: [UInt8] = []
        resolved.reserveCapacity(path.count + 1)
        for segment in segments {
            resolved.append(UInt8(ascii: "/"))
            resolved += segment
        }
        if isFolder { resolved.append(UInt8(ascii: "/")) }
        return resolved
    }
}
