import Testing

@testable import Routing

@Suite("Something for each authority")
struct AuthorityTableTests {
    private func all(_ authority: String) throws -> [String] {
        var values: [RouteMatch.Authority: String] = [:]
        for text in ["api.acme.dev", "*.acme.dev", "*.dev", "other.dev", "b.acme.dev"] {
            values[try RouteMatch.Authority(text)] = text
        }
        values[.any] = "any"
        var found: [String] = []
        Array(authority.utf8).withUnsafeBytes {
            AuthorityTable(values).forEach(of: $0) {
                found.append($0); return false
            }
        }
        return found
    }

    @Test(
        "the nearest comes first, then those around it",
        arguments: [
            ("api.acme.dev", ["api.acme.dev", "*.acme.dev", "*.dev", "any"]), ("x.y.acme.dev", ["*.acme.dev", "*.dev", "any"]),
            ("acme.dev", ["*.dev", "any"]), ("dev", ["any"]), ("", ["any"]), ("other.dev", ["other.dev", "*.dev", "any"]),
        ])
    func nearest(authority: String, expected: [String]) throws { #expect(try all(authority) == expected) }

    @Test(
        "one authority covers another where it takes all of its requests",
        arguments: [
            ("*.acme.dev", "api.acme.dev", true), ("*.acme.dev", "*.x.acme.dev", true), ("*.acme.dev", "acme.dev", false),
            ("api.acme.dev", "*.acme.dev", false), ("a.dev", "a.dev", true), ("*.acme.dev", "*.acme.dev", true),
            ("*.me.dev", "a.acme.dev", false),
        ])
    func covers(wide: String, narrow: String, expected: Bool) throws {
        #expect(try RouteMatch.Authority(wide).covers(try RouteMatch.Authority(narrow)) == expected)
        #expect(RouteMatch.Authority.any.covers(try RouteMatch.Authority(narrow)))
    }
}
