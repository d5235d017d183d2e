internal import Glibc

/// A request's method, as far as HTTP itself treats methods differently. Methods are case-sensitive (RFC 9110, section 9.1).
package enum HTTPMethod: UInt8, Sendable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    package init(_ name: UnsafeRawBufferPointer) {
        guard let start = name.baseAddress else { self = .other; return }
        func matches(_ text: StaticString) -> Bool { memcmp(start, text.utf8Start, name.count) == 0 }
        switch name.count {
        case 3: self = matches("GET") ? .get : matches("PUT") ? .put : .other
        case 4: self = matches("POST") ? .post : matches("HEAD") ? .head : .other
        case 5: self = matches("PATCH") ? .patch : matches("TRACE") ? .trace : .other
        case 6: self = matches("DELETE") ? .delete : .other
        case 7: self = matches("OPTIONS") ? .options : matches("CONNECT") ? .connect : .other
        default: self = .other
        }
    }

    /// Whether a name is that of a method but for its case: another method by RFC 9110, section 9.1, which many servers take for it.
    package static func isMiscased(_ name: UnsafeRawBufferPointer) -> Bool {
        guard (3...7).contains(name.count), name.contains(where: { (0x61...0x7A).contains($0) }) else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 7, alignment: 1) { copy in
            for index in 0..<name.count { copy[index] = (0x61...0x7A).contains(name[index]) ? name[index] & 0xDF : name[index] }
            return HTTPMethod(UnsafeRawBufferPointer(rebasing: copy[..<name.count])) != .other
        }
    }

    /// Those that can be named, but for CONNECT, which has no request of its own.
    package static let named: [HTTPMethod] = [.get, .head, .options, .trace, .put, .delete, .post, .patch]

    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other: "another"
        }
    }

    /// RFC 9110, section 9.2.2.
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }
}
