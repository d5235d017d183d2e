package import HTTPModel
internal import Net

/// Which requests a route takes, as its configuration says; everything that is written must fit.
///
/// The default takes everything. Compiled by `RouteTable`.
package struct RouteMatch: Hashable, Sendable {
    package var authority: Authority
    package var target: Target
    /// All of them. A header that is sent twice is present but equals no exact text: which of the two counts is a guess.
    package var headers: [HeaderCondition]

    package init(authority: Authority = .any, target: Target = .any, headers: [HeaderCondition] = []) {
        self.authority = authority
        self.target = target
        self.headers = headers
    }

    /// Whom the request is addressed to, compared lower-case and without a port.
    package enum Authority: Hashable, Sendable {
        case any
        case exact(String)
        /// `*.acme.dev`, held as `acme.dev`: one label or more in front of it.
        case suffix(String)
    }

    package enum Target: Hashable, Sendable {
        case any
        /// The RPC's service, byte-exact.
        case service(String)
        /// The path as sent, without its query, byte-exact.
        case path(String)
        /// `/v1/*`, held as `/v1/`: every path that begins so, and so not `/v1`.
        case prefix(String)
    }

    /// As a server that decodes paths reads it.
    var decoded: RouteMatch {
        var match = self
        match.target =
            switch target {
            case .any, .service: target
            case .path(let path): .path(Target.decode(path))
            case .prefix(let path): .prefix(Target.decode(path))
            }
        return match
    }

    package enum Mistake: Error, Equatable {
        case notAnAuthority
        case authorityWithPort
        case notAService
        case notAPath
        case wildcardInside
        /// A template or regular expression, where texts are compared.
        case patternInside
        case unsafePath(PathFault)
        case pathWithParameters

        /// What a configuration message says was expected.
        package var expected: String {
            switch self {
            case .notAnAuthority: "a host name such as api.acme.dev, or *.acme.dev"
            case .authorityWithPort: "a host name without a port: authorities are compared without it"
            case .notAService: "a gRPC service's full name such as acme.orders.v1.Orders"
            case .notAPath: "a path that begins with / and has no query, such as /v1/orders or /v1/*"
            case .wildcardInside: "a * only as the last segment, as in /v1/*"
            case .patternInside:
                "a path as callers send it, or /v1/* for all below; templates and regular expressions match nothing"
            case .pathWithParameters: "a path without a ;, of which servers make different things"
            case .unsafePath(let fault): "a path without \(fault.what), which is always refused"
            }
        }
    }
}

extension RouteMatch.Authority {
    /// Reads `api.acme.dev`, `*.acme.dev`, `10.1.2.3` or `[2001:db8::1]`.
    package init(_ text: String) throws(RouteMatch.Mistake) {
        var name = Substring(text.lowercased())
        if name.hasPrefix("[") {
            guard name.hasSuffix("]") else { throw name.contains("]:") ? .authorityWithPort : .notAnAuthority }
            guard name.contains(":"), let address = IPAddress(String(name.dropFirst().dropLast())) else { throw .notAnAuthority }
            // As a request's is compared.
            self = .exact("[\(address)]")
            return
        }
        let isSuffix = name.hasPrefix("*.")
        if isSuffix { name = name.dropFirst(2) }
        if name.contains(":") { throw .authorityWithPort }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty
                && label.utf8.allSatisfy(HTTPGrammar.isLowerCaseHost)
        }
        guard isName, name.utf8.count <= HeadFacts.authorityBytesMax else { throw .notAnAuthority }
        self = isSuffix ? .suffix(String(name)) : .exact(String(name))
    }
}

extension RouteMatch.Target {
    /// Reads the text of `service:`.
    package init(service text: String) throws(RouteMatch.Mistake) {
        let isName = text.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                || byte == 0x2e || byte == 0x5f || byte == 0x2d
        }
        guard isName, !text.isEmpty, !text.hasPrefix("."), !text.hasSuffix("."), !text.contains("..") else {
            throw .notAService
        }
        self = .service(text)
    }

    /// Reads the text of `path:`, exact or ending in `/*`.
    package init(path text: String) throws(RouteMatch.Mistake) {
        guard !Self.looksLikePattern(text) else { throw .patternInside }
        guard text.hasPrefix("/"), !text.contains("?") else { throw .notAPath }
        let isPrefix = text.hasSuffix("/*")
        let path = isPrefix ? String(text.dropLast()) : text
        guard !path.contains("*") else { throw .wildcardInside }
        if let fault = PathShape.fault(in: path) { throw .unsafePath(fault) }
        if path.contains(";") { throw .pathWithParameters }
        self = isPrefix ? .prefix(path) : .path(path)
    }

    /// Braces, brackets and bars are no part of any path (RFC 3986, section 3.3); the others are written in none but by mistake.
    private static func looksLikePattern(_ text: String) -> Bool {
        text.contains { "{}[]|^".contains($0) } || text.hasSuffix("$")
            || [".*", ".+", "(?", "\\d", "\\w"].contains(where: text.contains)
    }
}

extension RouteMatch.Target {
    var hasEscapes: Bool {
        switch self {
        case .any, .service: false
        case .path(let path), .prefix(let path): path.utf8.contains(UInt8(ascii: "%"))
        }
    }

    fileprivate static func decode(_ path: String) -> String {
        String(decoding: PathReadings.decode(Array(path.utf8)), as: UTF8.self)
    }
}
