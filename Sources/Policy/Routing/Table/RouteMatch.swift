package import HTTPModel
package import Matching
internal import Net

/// Which requests a route takes, as its configuration says; everything that is written must fit.
///
/// The default takes everything. Compiled by `RouteTable`.
package struct RouteMatch: Hashable, Sendable {
    /// The names of those that the request may have come in by; empty for all.
    package var listeners: [String]
    /// Any of them; never empty.
    package var authorities: [Authority]
    /// Any of them, all of one key of the configuration; never empty.
    package var targets: [Target]
    /// Any of them, as the request line has it and case and all: HEAD is not GET. Empty for any method.
    package var httpMethods: [String]
    /// All of them. Of a header that is sent twice it is a guess which one counts: it is present and nothing else.
    package var headers: [FieldMatch]
    /// All of them. Of a parameter that is sent twice either may be what is asked for.
    package var query: [FieldMatch]

    package init(
        listeners: [String] = [], authorities: [Authority], targets: [Target], httpMethods: [String] = [],
        headers: [FieldMatch] = [], query: [FieldMatch] = []
    ) {
        self.listeners = listeners
        self.authorities = authorities.isEmpty ? [.any] : authorities
        self.targets = targets.isEmpty ? [.any] : targets
        self.httpMethods = httpMethods
        self.headers = headers
        self.query = query
    }

    /// Of one authority and one target.
    package init(
        authority: Authority = .any, target: Target = .any, httpMethods: [String] = [], headers: [FieldMatch] = [],
        query: [FieldMatch] = []
    ) {
        self.init(authorities: [authority], targets: [target], httpMethods: httpMethods, headers: headers, query: query)
    }

    /// Whether one of its authorities covers all requests to `authority`.
    package func covers(_ authority: Authority) -> Bool { authorities.contains { $0.covers(authority) } }

    /// Whether requests of all listeners that are meant by `other` may be meant by this, too.
    package func coversListeners(of other: RouteMatch) -> Bool {
        listeners.isEmpty || !other.listeners.isEmpty && other.listeners.allSatisfy(listeners.contains)
    }

    /// It takes RPCs, by the names of their services.
    package var isOfServices: Bool {
        targets.contains {
            switch $0 {
            case .service, .services: true
            case .any, .path, .prefix, .subtree, .regex: false
            }
        }
    }

    /// The services that it names in full.
    package var services: [String] {
        targets.compactMap { if case .service(let name) = $0 { name } else { nil } }
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
        /// `acme.v1.*`, held as `acme.v1`: the RPCs of every service of the package and of those below it.
        case services(below: String)
        /// The path as sent, without its query, byte-exact.
        case path(String)
        /// `/v1/*`, held as `/v1/`: every path that begins so, and so not `/v1`.
        case prefix(String)
        /// `prefix: /v1`: `/v1` itself and every path below it; `/` alone is `.prefix`.
        case subtree(String)
        /// Takes the whole path, as sent and without its query.
        case regex(RegularExpression)
    }

    /// As a server that decodes paths reads it.
    var decoded: RouteMatch {
        var match = self
        match.targets = targets.map { target in
            switch target {
            case .any, .service, .services, .regex: target
            case .path(let path): .path(Target.decode(path))
            case .prefix(let path): .prefix(Target.decode(path))
            case .subtree(let path): .subtree(Target.decode(path))
            }
        }
        return match
    }

    package enum Mistake: Error, Equatable {
        case notAnAuthority
        case anyAuthority
        case authorityWithPort
        case authorityWithScheme
        case notAService
        case wildcardInService
        case anyService
        case notAPath
        case wildcardInside
        /// `/v1/**`; what is said with `prefix:`.
        case doubleWildcard(String)
        case notAPrefix
        case wildcardInPrefix
        case prefixWithSlash
        case regexMatchesNoPath
        /// It asks for what no path has: a query, or what is always refused.
        case regexOfQuery
        case regexOfUnsafePath(PathFault)
        case malformedRegex(RegularExpression.Mistake)
        /// A template or regular expression, where texts are compared.
        case patternInside
        case unsafePath(PathFault)
        case pathWithParameters

        /// What a configuration message gives as expected.
        package var expected: String {
            switch self {
            case .notAnAuthority: "a host name such as api.acme.dev, or *.acme.dev"
            case .anyAuthority: "a host name; a route without authority takes every host"
            case .authorityWithPort: "a host name without a port: authorities are compared without it"
            case .authorityWithScheme: "a host name without a scheme, such as api.acme.dev"
            case .notAService: "a gRPC service's full name such as acme.orders.v1.Orders, or acme.v1.* for all of a package"
            case .anyService: "the name of a service, or acme.v1.* for all of a package; a route without service takes every call"
            case .wildcardInService: "a * only behind the last dot, as in acme.v1.*: every service of the package and below"
            case .notAPath: "a path that begins with / and has no query, such as /v1/orders or /v1/*"
            case .wildcardInside: "a * only as the last segment, as in /v1/*"
            case .patternInside:
                "a path as callers send it, or /v1/* for all below; a regular expression is written { regex: … }"
            case .doubleWildcard(let path): "prefix: \(path), for \(path == "/" ? "all paths" : "\(path) itself and all below it")"
            case .notAPrefix: "a path that begins with / and has no query, such as /v1"
            case .wildcardInPrefix: "a path without *, such as /v1: it takes /v1 itself and all below it"
            case .prefixWithSlash:
                "no / at the end: prefix: /v1 takes /v1 itself and all below it, path: /v1/* only what is below it"
            case .regexMatchesNoPath: "a regular expression that takes a path: paths begin with /"
            case .regexOfQuery: "an expression of the path alone: it has no ?, and query matches the parameters"
            case .regexOfUnsafePath(let fault): "an expression that takes a path: one with \(fault.what) is always refused"
            case .malformedRegex(let mistake): mistake.expected
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
        if name == "*" { throw .anyAuthority }
        if name.contains("://") { throw .authorityWithScheme }
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
        let isPackage = text.hasSuffix(".*")
        let name = isPackage ? String(text.dropLast(2)) : text
        guard text != "*" else { throw .anyService }
        guard !name.contains("*") else { throw .wildcardInService }
        let isName = name.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                || byte == 0x2e || byte == 0x5f || byte == 0x2d
        }
        guard isName, !name.isEmpty, !name.hasPrefix("."), !name.hasSuffix("."), !name.contains("..") else {
            throw .notAService
        }
        self = isPackage ? .services(below: name) : .service(name)
    }

    /// Reads the text of `path:`, exact or ending in `/*`.
    package init(path text: String) throws(RouteMatch.Mistake) {
        if text.hasPrefix("/"), text.hasSuffix("/**"), !text.dropLast(3).contains("*") {
            throw .doubleWildcard(text.utf8.count == 3 ? "/" : String(text.dropLast(3)))
        }
        guard !Self.looksLikePattern(text) else { throw .patternInside }
        guard text.hasPrefix("/"), !text.contains("?") else { throw .notAPath }
        let isPrefix = text.hasSuffix("/*")
        let path = isPrefix ? String(text.dropLast()) : text
        guard !path.contains("*") else { throw .wildcardInside }
        if let fault = PathShape.fault(in: path) { throw .unsafePath(fault) }
        if path.contains(";") { throw .pathWithParameters }
        self = isPrefix ? .prefix(path) : .path(path)
    }

    /// Reads the text of `prefix:`.
    package init(prefix text: String) throws(RouteMatch.Mistake) {
        guard !Self.looksLikePattern(text) else { throw .patternInside }
        guard text.hasPrefix("/"), !text.contains("?") else { throw .notAPrefix }
        guard !text.contains("*") else { throw .wildcardInPrefix }
        guard text == "/" || !text.hasSuffix("/") else { throw .prefixWithSlash }
        if let fault = PathShape.fault(in: text) { throw .unsafePath(fault) }
        if text.contains(";") { throw .pathWithParameters }
        self = text == "/" ? .prefix("/") : .subtree(text)
    }

    /// Reads the regular expression of `path:`.
    package init(pathRegex text: String) throws(RouteMatch.Mistake) {
        let expression: RegularExpression
        do throws(RegularExpression.Mistake) { expression = try RegularExpression(text) } catch { throw .malformedRegex(error) }
        guard expression.mayMatch(beginningWith: "/") else { throw .regexMatchesNoPath }
        // What all of them begin with, as far as it is known; the last segment may go on.
        let beginning = expression.commonPrefix
        if beginning.contains("?") { throw .regexOfQuery }
        if beginning.contains(where: { $0 == " " || $0 == "#" }) { throw .regexMatchesNoPath }
        if let slash = beginning.lastIndex(of: "/"), let fault = PathShape.fault(in: String(beginning[...slash])) {
            throw .regexOfUnsafePath(fault)
        }
        self = .regex(expression)
    }

    /// Braces, brackets and bars are no part of any path (RFC 3986, section 3.3); the others are written in none but by mistake.
    private static func looksLikePattern(_ text: String) -> Bool {
        text.contains { "{}[]|^".contains($0) } || text.hasSuffix("$")
            || [".*", ".+", "(?", "\\d", "\\w"].contains(where: text.contains)
    }
}

extension RouteMatch.Target {
    /// Whether all RPCs of a service are of this one, by its name.
    package func takes(service: String) -> Bool {
        switch self {
        case .service(let name): name == service
        case .services(let package): service.hasPrefix("\(package).")
        case .any, .path, .prefix, .subtree, .regex: false
        }
    }

    /// As it is written; empty for any.
    package var text: String {
        switch self {
        case .any: ""
        case .service(let name): name
        case .services(let package): "\(package).*"
        case .path(let path), .subtree(let path): path
        case .prefix(let path): "\(path)*"
        case .regex(let expression): expression.text
        }
    }

    var hasEscapes: Bool {
        switch self {
        case .any, .service, .services, .regex: false
        case .path(let path), .prefix(let path), .subtree(let path): path.utf8.contains(UInt8(ascii: "%"))
        }
    }

    fileprivate static func decode(_ path: String) -> String {
        String(decoding: PathReadings.decode(Array(path.utf8)), as: UTF8.self)
    }
}
