import HTTPModel
import Matching
import Net
import TLS
import Testing

@testable import AccessControl

@Suite struct AccessRuleTests {
    private static let reader =
        #"{"scope":"orders.read orders.list","role":"clerk","realm":{"roles":["a","b"]},"level":3,"beta":true,"none":null,"nested":[["a"]],"obj":{"a":1}}"#

    private static func claim(_ path: String..., is value: String) -> AccessRule {
        .claim(path: path, value: .exact(value))
    }

    @Test(
        "a rule about the token is read off its claims and scopes",
        arguments: [
            (.anyone, "allowed"), (.authenticated, "allowed"),
            (.scopes(["orders.read"]), "allowed"), (.scopes(["orders.read", "orders.list"]), "allowed"), (.scopes([]), "allowed"),
            (.scopes(["orders.write"]), "needs scopes orders.write"), (.scopes(["orders"]), "needs scopes orders"),
            (.scopes(["orders.read", "orders.write"]), "needs scopes orders.read orders.write"),
            (.scopes(["orders.read orders.list"]), "needs scopes orders.read orders.list"),
            (claim("role", is: "clerk"), "allowed"), (claim("role", is: "Clerk"), "denied"), (claim("role", is: "cler"), "denied"),
            (claim("realm", "roles", is: "a"), "allowed"), (claim("realm", "roles", is: "b"), "allowed"),
            (claim("realm", "roles", is: "c"), "denied"), (claim("realm", "roles", is: "a,b"), "denied"),
            (claim("realm.roles", is: "a"), "denied"), (claim("realm", is: "roles"), "denied"),
            (claim("level", is: "3"), "allowed"), (claim("level", is: "3.0"), "denied"), (claim("beta", is: "true"), "allowed"),
            (claim("none", is: "null"), "denied"), (claim("none", is: ""), "denied"), (claim("missing", is: ""), "denied"),
            (claim("nested", is: "a"), "denied"), (claim("obj", is: "1"), "denied"),
            (claim("role", "clerk", is: "clerk"), "denied"),
        ] as [(AccessRule, String)])
    func token(rule: AccessRule, expected: String) throws {
        let caller = try RuleCaller(Self.reader)
        #expect(caller.answer(to: rule).reason == expected)
        caller.usesMemory = false
        #expect(caller.answer(to: rule).reason == expected)
    }

    @Test(
        "any, all and not combine, and a refusal names what would help most",
        arguments: [
            (.any([]), "denied"), (.all([]), "allowed"),
            (.any([.scopes(["x"]), claim("role", is: "clerk")]), "allowed"),
            (.any([.scopes(["x"]), claim("role", is: "boss")]), "needs scopes x"),
            (.any([claim("role", is: "boss"), .scopes(["x"]), .scopes(["y"])]), "needs scopes x"),
            (.all([.scopes(["orders.read"]), claim("role", is: "clerk")]), "allowed"),
            (.all([.scopes(["x"]), claim("role", is: "boss")]), "denied"),
            (.all([.scopes(["x"]), claim("role", is: "clerk")]), "needs scopes x"),
            (.all([claim("role", is: "clerk"), .any([.scopes(["x"]), .scopes(["orders.read"])])]), "allowed"),
            (.not(claim("role", is: "clerk")), "denied"), (.not(claim("role", is: "boss")), "allowed"),
            (.not(.scopes(["x"])), "allowed"), (.not(.not(claim("role", is: "clerk"))), "allowed"),
            (.not(.any([claim("role", is: "boss"), claim("beta", is: "true")])), "denied"),
            (.not(.anyone), "denied"),
        ] as [(AccessRule, String)])
    func combined(rule: AccessRule, expected: String) throws {
        let caller = try RuleCaller(Self.reader)
        #expect(caller.answer(to: rule).reason == expected)
        caller.usesMemory = false
        #expect(caller.answer(to: rule).reason == expected)
    }

    @Test(
        "a stranger is never let in by what only a token could tell",
        arguments: [
            (.anyone, "allowed"), (.authenticated, "needs authentication"), (.scopes([]), "needs authentication"),
            (.scopes(["x"]), "needs authentication"), (.not(.scopes(["x"])), "needs authentication"),
            (.not(.authenticated), "needs authentication"), (.not(claim("role", is: "banned")), "needs authentication"),
            (.any([claim("role", is: "a"), .anyone]), "allowed"),
            (.any([.not(claim("role", is: "a")), .not(.anyone)]), "needs authentication"),
            (.all([.anyone, .not(claim("role", is: "a"))]), "needs authentication"),
            (.all([.authenticated, .not(.anyone)]), "denied"), (.all([.not(.anyone), .authenticated]), "denied"),
        ] as [(AccessRule, String)])
    func stranger(rule: AccessRule, expected: String) throws {
        #expect(try RuleCaller().answer(to: rule).reason == expected)
    }

    @Test("a header rule fits when any field of that name does")
    func header() throws {
        let present = AccessRule.header(try FieldMatch(header: "x-key", .present))
        let exact = AccessRule.header(try FieldMatch(header: "x-key", .exact("1")))
        let twice = try RuleCaller(nil, [("x-key", "0"), ("x-key", "1")])
        let other = try RuleCaller(nil, [("x-key", "01"), ("x-keys", "1")])
        let none = try RuleCaller()
        #expect(twice.answer(to: present) == .allowed)
        #expect(twice.answer(to: exact) == .allowed)
        #expect(other.answer(to: present) == .allowed)
        #expect(other.answer(to: exact).reason == "denied")
        #expect(none.answer(to: present).reason == "denied")
        #expect(none.answer(to: .not(present)) == .allowed)
    }

    @Test("an HTTP method is asked for as it was sent, whoever calls")
    func httpMethod() throws {
        let rule = AccessRule.httpMethod(["GET", "HEAD"])
        for (method, isAllowed) in [("GET", true), ("HEAD", true), ("POST", false), ("get", false), ("", false)] {
            let caller = try RuleCaller(nil, [(":method", method), ("method", "GET")])
            #expect(caller.answer(to: rule).reason == (isAllowed ? "allowed" : "denied"), "\(method)")
            #expect(caller.answer(to: .not(rule)).reason == (isAllowed ? "denied" : "allowed"), "\(method)")
        }
        #expect(try RuleCaller().answer(to: rule).reason == "denied")
    }

    @Test("a header rule asks as routes do, and a header that is not there may be what is asked for")
    func headerValues() throws {
        func rule(_ test: ValueMatch.Test...) throws -> AccessRule {
            .header(try FieldMatch(header: "x-key", ValueMatch(anyOf: test)))
        }
        let two = try RuleCaller(nil, [("x-key", "v1.2")])
        let none = try RuleCaller()
        for allowed in [try rule(.prefix("v1.")), try rule(.exact("a"), .suffix(".2")), try rule(.absent, .prefix("v"))] {
            #expect(two.answer(to: allowed) == .allowed)
        }
        for denied in [try rule(.prefix("v2.")), try rule(.absent), try rule(.range(NumberRange(minimum: 0, maximum: nil)))] {
            #expect(two.answer(to: denied).reason == "denied")
        }
        #expect(none.answer(to: try rule(.absent)) == .allowed)
        #expect(none.answer(to: try rule(.exact("a"), .absent)) == .allowed)
        #expect(none.answer(to: try rule(.prefix("v"))).reason == "denied")
    }

    @Test(
        "a claim is asked by the one matcher: text, number and boolean by how they read, of an array any element",
        arguments: [
            (.present, ["\"a\"", "1", "false", "[]", "{}", "\"\""], ["null"]),
            (.absent, ["null"], ["\"a\"", "[]", "0"]),
            (.exact("a"), ["\"a\"", "[\"b\",\"a\"]"], ["\"A\"", "\"a,b\"", "[[\"a\"]]", "{\"a\":1}", "\"\"", "[]"]),
            (.exact("7"), ["7", "[true,7]", "\"7\""], ["7.0", "70"]), (.exact("true"), ["true", "[true]"], ["false", "1"]),
            (.exact("null"), ["\"null\""], ["null", "[null]"]),
            (.prefix("ad"), ["\"admin\"", "[\"x\",\"ad\"]"], ["\"a\"", "[]", "[\"bad\"]", "{\"ad\":1}"]),
            (.suffix("min"), ["\"admin\""], ["\"mina\"", "null"]),
            (
                .range(NumberRange(minimum: 18, maximum: 65)), ["18", "65", "18.5", "\"20\"", "[1,30]"],
                ["17", "65.5", "true", "\"x\"", "[]"]
            ),
        ] as [(ValueMatch.Test, [String], [String])])
    func claimValues(test: ValueMatch.Test, taken: [String], refused: [String]) throws {
        let rule = AccessRule.claim(path: ["c"], value: ValueMatch(test))
        for value in taken { #expect(try RuleCaller("{\"c\":\(value)}").answer(to: rule) == .allowed, "\(value)") }
        for value in refused { #expect(try RuleCaller("{\"c\":\(value)}").answer(to: rule).reason == "denied", "\(value)") }
        #expect(try RuleCaller("{}").answer(to: rule).reason == (test == .absent ? "allowed" : "denied"))
        #expect(try RuleCaller().answer(to: rule).reason == "needs authentication")
    }

    @Test("a claim may be one of a file's values")
    func claimOfFile() throws {
        let list = try #require(ValueList(Array("j1\nj2\n".utf8)))
        var builder = RuleBookBuilder(files: ["revoked.txt": list])
        let deny = NamedRule(name: "revoked", .claim(path: ["jti"], value: ValueMatch(.file("revoked.txt"))))
        let policy = builder.policy(route: AccessRules(deny: deny))
        let book = builder.book(generation: 1)
        func allows(_ claims: String) throws -> Bool {
            try RuleCaller(claims).verdict(policy, in: book).decision == .allowed
        }
        #expect(try allows("{\"jti\":\"j3\"}") && allows("{}"))
        #expect(try !allows("{\"jti\":\"j1\"}") && !allows("{\"jti\":[\"a\",\"j2\"]}"))
    }

    @Test("an address rule fits in any of its blocks, and never where the address is not known")
    func address() throws {
        let rule = AccessRule.address([try CIDR("10.0.0.0/8"), try CIDR("2001:db8::/32")])
        #expect(try RuleCaller(address: "10.1.1.1").answer(to: rule) == .allowed)
        #expect(try RuleCaller(address: "2001:db8::1").answer(to: rule) == .allowed)
        #expect(try RuleCaller(address: "11.1.1.1").answer(to: rule).reason == "denied")
        #expect(try RuleCaller().answer(to: rule).reason == "denied")
        #expect(try RuleCaller(address: "10.1.1.1").answer(to: .address([])).reason == "denied")
    }

    @Test(
        "a certificate's names count by their kind",
        arguments: [
            ([.uri("spiffe://acme/billing")], "spiffe://acme/billing", true),
            ([.uri("spiffe://acme/billing")], "spiffe://acme/Billing", false),
            ([.dns("Billing.acme.dev")], "billing.ACME.dev", true),
            ([.email("a@acme.dev")], "a@acme.dev", true),
            ([.dns("a.dev"), .dns("b.dev")], "b.dev", true),
            ([.commonName("Billing")], "billing", true),
            // A common name counts only alone, and none passes for a URI.
            ([.dns("a.dev"), .commonName("Billing")], "Billing", false),
            ([.commonName("spiffe://acme/billing")], "spiffe://acme/billing", false),
            ([.dns("spiffe://acme/billing")], "spiffe://acme/billing", false),
            ([.dns("a@acme.dev")], "a@acme.dev", false),
            ([.dns("*.acme.dev")], "a.acme.dev", false),
            ([], "", false),
        ] as [([CertificateName], String, Bool)])
    func certificate(names: [CertificateName], wanted: String, fits: Bool) throws {
        let caller = try RuleCaller(certificate: names)
        #expect((caller.answer(to: .clientCertificate(["other.dev", wanted])) == .allowed) == fits)
        #expect(try RuleCaller().answer(to: .clientCertificate([wanted])).reason == "denied")
    }

    @Test("whether a rule asks for a token is seen through any, all and not")
    func asksForToken() {
        #expect(AccessRule.any([.anyone, .not(.scopes(["a"]))]).asksForToken)
        #expect(!AccessRule.all([.anyone, .not(.address([]))]).asksForToken)
    }

    @Test("a scope is what RFC 6749 lets one be")
    func scopeNames() {
        for good in ["a", "orders.read", "https://a/b", "!#[]~"] { #expect(AccessRule.isScope(good)) }
        for bad in ["", "a b", "a\"b", "a\\b", "ä", "a\n"] { #expect(!AccessRule.isScope(bad)) }
    }
}
