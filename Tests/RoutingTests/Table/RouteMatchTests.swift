import HTTPModel
import Matching
import Testing

@testable import Routing

@Suite struct RouteMatchTests {
    @Test(
        "an authority is a host name, an address, or a wildcard before a host name",
        arguments: [
            ("api.acme.dev", .exact("api.acme.dev")), ("API.Acme.dev", .exact("api.acme.dev")), ("localhost", .exact("localhost")),
            ("*.acme.dev", .suffix("acme.dev")), ("*.dev", .suffix("dev")), ("10.1.2.3", .exact("10.1.2.3")),
            ("[2001:DB8::1]", .exact("[2001:db8::1]")),
        ] as [(String, RouteMatch.Authority)])
    func authority(text: String, expected: RouteMatch.Authority) throws {
        #expect(try RouteMatch.Authority(text) == expected)
    }

    @Test(
        "an authority that could never match is a mistake",
        arguments: [
            ("api.acme.dev:443", .authorityWithPort), ("*.acme.dev:443", .authorityWithPort), ("[::1]:443", .authorityWithPort),
            ("", .notAnAuthority), ("*", .anyAuthority), ("*.", .notAnAuthority), ("a*.acme.dev", .notAnAuthority),
            ("*.*.dev", .notAnAuthority), ("acme.dev.", .notAnAuthority), (".dev", .notAnAuthority), ("a..b", .notAnAuthority),
            ("https://acme.dev", .authorityWithScheme), ("acme.dev/a", .notAnAuthority), ("ä.dev", .notAnAuthority),
            ("[::1", .notAnAuthority), ("[1.2.3.4]", .notAnAuthority), ("a b", .notAnAuthority),
        ] as [(String, RouteMatch.Mistake)])
    func authorityMistakes(text: String, mistake: RouteMatch.Mistake) {
        #expect(throws: mistake) { try RouteMatch.Authority(text) }
    }

    @Test("a service is a full name without slashes, or a package with all of its own")
    func service() throws {
        #expect(try RouteMatch.Target(service: "acme.orders.v1.Orders") == .service("acme.orders.v1.Orders"))
        #expect(try RouteMatch.Target(service: "acme.v1.*") == .services(below: "acme.v1"))
        #expect(throws: RouteMatch.Mistake.anyService) { try RouteMatch.Target(service: "*") }
        for text in ["acme.v1*", "acme.*.Orders", "*.Orders", "acme.**", "acme.*.*"] {
            #expect(throws: RouteMatch.Mistake.wildcardInService, "\(text)") { try RouteMatch.Target(service: text) }
        }
        for text in ["", "/acme.Orders", "acme.Orders/Get", ".acme", "acme.", "a..b", ".*", "a..*", "a b"] {
            #expect(throws: RouteMatch.Mistake.notAService, "\(text)") { try RouteMatch.Target(service: text) }
        }
    }

    @Test("a path is exact, or everything below a last slash")
    func path() throws {
        #expect(try RouteMatch.Target(path: "/v1/orders") == .path("/v1/orders"))
        #expect(try RouteMatch.Target(path: "/v1/*") == .prefix("/v1/"))
        #expect(try RouteMatch.Target(path: "/*") == .prefix("/"))
        #expect(try RouteMatch.Target(path: "/") == .path("/"))
    }

    @Test(
        "a path that no request may have is a mistake",
        arguments: [
            ("v1", .notAPath), ("", .notAPath), ("*", .notAPath), ("/v1?a=b", .notAPath),
            ("/v1/*/orders", .wildcardInside), ("/v1*", .wildcardInside), ("/v1/**", .doubleWildcard("/v1")),
            ("/**", .doubleWildcard("/")), ("/v1/*/**", .wildcardInside),
            ("/v1/*/*", .wildcardInside),
            ("/v1/{id}", .patternInside), ("^/v1/.*", .patternInside), ("/v1/.*", .patternInside), ("/v1/[0-9]+", .patternInside),
            ("/v1/(a|b)", .patternInside), ("/v1/a$", .patternInside), ("/v1/.+", .patternInside), ("/v1/\\d", .patternInside),
            ("/v1/{id}/*", .patternInside),
            ("/v1/../a", .unsafePath(.dotSegment)), ("//a", .unsafePath(.emptySegment)), ("/a b", .unsafePath(.forbiddenByte)),
            ("/a%", .unsafePath(.malformedEscape)), ("//*", .unsafePath(.emptySegment)),
        ] as [(String, RouteMatch.Mistake)])
    func pathMistakes(text: String, mistake: RouteMatch.Mistake) {
        #expect(throws: mistake) { try RouteMatch.Target(path: text) }
    }

    @Test("a prefix is a path without a slash at its end, or all paths")
    func prefix() throws {
        #expect(try RouteMatch.Target(prefix: "/v1/orders") == .subtree("/v1/orders"))
        #expect(try RouteMatch.Target(prefix: "/") == .prefix("/"))
    }

    @Test(
        "a prefix that no request may have is a mistake",
        arguments: [
            ("v1", .notAPrefix), ("", .notAPrefix), ("/v1?a", .notAPrefix), ("/v1/", .prefixWithSlash),
            ("/v1/*", .wildcardInPrefix),
            ("/v1/**", .wildcardInPrefix), ("/{id}", .patternInside), ("/../a", .unsafePath(.dotSegment)),
            ("/a;b", .pathWithParameters),
        ] as [(String, RouteMatch.Mistake)])
    func prefixMistakes(text: String, mistake: RouteMatch.Mistake) {
        #expect(throws: mistake) { try RouteMatch.Target(prefix: text) }
    }

    @Test("a path's regular expression compiles, and can match a path")
    func regex() throws {
        #expect(try RouteMatch.Target(pathRegex: "^/u/([^/]+)$") == .regex(try RegularExpression("^/u/([^/]+)$")))
        #expect(throws: RouteMatch.Mistake.malformedRegex(.malformed("missing ): (/a"))) { try RouteMatch.Target(pathRegex: "(/a") }
        for text in ["u/.*", "^v1$", ""] {
            #expect(throws: RouteMatch.Mistake.regexMatchesNoPath, "\(text)") { try RouteMatch.Target(pathRegex: text) }
        }
    }

    @Test("a header is asked for by its name in lower case, and for a value that headers can have")
    func header() throws {
        let exact = try FieldMatch(header: "X-Version", .exact("2"))
        #expect(exact.name == "x-version")
        #expect(exact.value == .exact("2"))
        for name in [":authority", "Host"] {
            #expect(throws: FieldMatch.Mistake.hasItsOwnKey) { try FieldMatch(header: name, .present) }
        }
        for name in ["", "a b", "a:b", "ä"] {
            #expect(throws: FieldMatch.Mistake.notAName, "\(name)") { try FieldMatch(header: name, .present) }
        }
        #expect(FieldMatch.isHeaderValue("a b") && FieldMatch.isHeaderValue(""))
        for value in [" a", "a ", "a\nb", "ä"] { #expect(!FieldMatch.isHeaderValue(value), "\(value)") }
    }
}
