internal import HTTPModel

/// `method SP request-target SP HTTP-version` (RFC 9112, section 3), with the target in origin, absolute or asterisk form.
enum RequestLine {
    static func parse(
        _ line: UnsafeRawBufferPointer, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> RequestHead {
        var methodEnd = 0
        while methodEnd < line.count, HTTPGrammar.isToken(line[methodEnd]) { methodEnd += 1 }
        guard methodEnd > 0, methodEnd < line.count, line[methodEnd] == 0x20 else { throw .malformedRequestLine }
        if methodEnd > HTTP1Limits.methodBytesMax { throw .methodTooLong }
        guard let lastSpace = line.lastIndex(of: 0x20), lastSpace > methodEnd + 1 else { throw .malformedRequestLine }
        guard let version = try HTTP1Version.parse(line.part((lastSpace + 1)..<line.count)) else {
            throw .malformedRequestLine
        }

        let methodName = fields.keep(line.part(0..<methodEnd))
        let method = HTTPMethod(methodName)
        if method == .connect { throw .connectNotSupported }
        let (target, authority) = try parseTarget(
            line.part((methodEnd + 1)..<lastSpace), method: method, into: &fields)
        return RequestHead(
            method: method, methodName: methodName, target: target, authority: authority, version: version, body: .none,
            keepsAlive: false, expectsContinue: false)
    }

    private static func parseTarget(
        _ target: UnsafeRawBufferPointer, method: HTTPMethod, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> (target: UnsafeRawBufferPointer, authority: UnsafeRawBufferPointer) {
        // Visible ASCII; no fragment, which is never sent (RFC 9110, section 4.2.5). A second space ends here too.
        for byte in target where byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") { throw .badTarget }
        let nowhere = UnsafeRawBufferPointer(start: nil, count: 0)
        if target[0] == UInt8(ascii: "/") { return (fields.keep(target), nowhere) }
        if target[0] == UInt8(ascii: "*") {
            guard target.count == 1, method == .options else { throw .badTarget }
            return (fields.keep(target), nowhere)
        }
        return try parseAbsolute(target, method: method, into: &fields)
    }

    /// `http://authority/path?query`: what proxies are sent. Every server must take it (RFC 9112, section 3.2.2).
    private static func parseAbsolute(
        _ target: UnsafeRawBufferPointer, method: HTTPMethod, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> (target: UnsafeRawBufferPointer, authority: UnsafeRawBufferPointer) {
        let start: Int
        if target.count > 7, HTTPGrammar.equalsIgnoringCase(target.part(0..<7), "http://") {
            start = 7
        } else if target.count > 8, HTTPGrammar.equalsIgnoringCase(target.part(0..<8), "https://") {
            start = 8
        } else {
            throw .badTarget
        }
        var end = start
        while end < target.count, target[end] != UInt8(ascii: "/"), target[end] != UInt8(ascii: "?") { end += 1 }
        let authority = target.part(start..<end)
        guard AuthorityGrammar.isValid(authority) else { throw .badTarget }
        let kept = fields.keep(authority)
        let rest = target.part(end..<target.count)
        if rest.first == UInt8(ascii: "/") { return (fields.keep(rest), kept) }
        // Without a path: OPTIONS asks about the whole server, everything else about "/" (RFC 9112, section 3.2.4).
        let path = fields.reserve(1 + rest.count)
        let isServer = method == .options && rest.isEmpty
        path.storeBytes(of: isServer ? UInt8(ascii: "*") : UInt8(ascii: "/"), as: UInt8.self)
        if let source = rest.baseAddress { (path + 1).copyMemory(from: source, byteCount: rest.count) }
        return (UnsafeRawBufferPointer(start: path, count: 1 + rest.count), kept)
    }
}
