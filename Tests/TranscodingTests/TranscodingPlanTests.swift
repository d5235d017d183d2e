import Protobuf
import Testing

@testable import Transcoding

@Suite("Finding a method by its HTTP path")
struct TranscodingPlanTests {
    static func find(_ method: String, _ path: String, _ plan: TranscodingPlan = kindsPlan) -> String {
        let match = BindingMatch()
        let outcome = Array(path.utf8).withUnsafeBytes { path in
            Array(method.utf8).withUnsafeBytes {
                plan.match(method: $0, path: path, query: UnsafeRawBufferPointer(start: nil, count: 0), into: match)
            }
        }
        return outcome == .found ? plan.schema.methods[match.method].name : "\(outcome)"
    }

    @Test("the rules of the schema have no mistakes")
    func noProblems() { #expect(kindsPlan.problems == []) }

    @Test(
        "a path finds its method",
        arguments: [
            ("POST", "/martlet.kinds.v1.Library/Echo", "Echo"), ("GET", "/martlet.kinds.v1.Library/Echo", "methodNotAllowed"),
            ("GET", "/v1/shelves/a/books/b", "GetBook"), ("GET", "/v1/books/b", "GetBook"),
            ("PUT", "/v1/shelves/a/books/b", "ReplaceBook"),
            ("PATCH", "/v1/shelves/a/books/b", "UpdateBook"), ("DELETE", "/v1/shelves/a/books/b", "methodNotAllowed"),
            ("POST", "/v1/shelves/a/books/b:burn", "BurnBook"), ("POST", "/v1/shelves/a/books/b:x", "methodNotAllowed"),
            ("GET", "/v1/shelves/a/books", "ListBooks"), ("GET", "/v1/shelves/a/books:watch", "WatchBooks"),
            ("POST", "/v1/books:import", "ImportBooks"), ("POST", "/v1/books:export", "notFound"),
            ("LOCK", "/v1/shelves", "CheckBook"), ("LOCK", "/v1/shelves/a/b/c/d", "CheckBook"),
            ("LOCK", "/v1/shelves/a/books/b", "CheckBook"),
            ("GET", "/v1/shelves//books/b", "methodNotAllowed"), ("GET", "/v1/%73helves/a/books/b", "GetBook"),
            ("GET", "/v1/shelves%2Fa/books/b", "notFound"), ("GET", "/v1/files/a/b", "Download"), ("GET", "/v1/files", "Download"),
            ("GET", "/v1/books/b/", "notFound"), ("GET", "/", "notFound"), ("GET", "", "notFound"), ("GET", "*", "notFound"),
        ])
    func paths(method: String, path: String, expected: String) { #expect(Self.find(method, path) == expected) }

    @Test("a literal goes before *, and * before **, in whatever order they are written")
    func precedence() {
        let patterns = [
            ("/a/**", "Echo"), ("/a/*", "GetBook"), ("/a/b", "ListBooks"), ("/a/*/c", "CreateBook"), ("/a/b/**", "UpdateBook"),
        ]
        for shuffled in [patterns, patterns.reversed()] {
            let rules = shuffled.map {
                TranscodingPlan.Rule(selector: "martlet.kinds.v1.Library.\($0.1)", rule: HTTPRule(verb: "GET", path: $0.0))
            }
            let plan = TranscodingPlan(schema: kindsSchema, rules: rules)
            #expect(plan.mistakes.isEmpty)
            for (path, name) in [
                ("/a/b", "ListBooks"), ("/a/x", "GetBook"), ("/a/x/y", "Echo"), ("/a", "Echo"), ("/a/x/c", "CreateBook"),
                ("/a/b/c", "UpdateBook"), ("/a/b/c/d", "UpdateBook"),
            ] { #expect(Self.find("GET", path, plan) == name, "\(path)") }
        }
    }

    @Test("a rule for any HTTP method comes after one for its own")
    func anyMethod() {
        let plan = TranscodingPlan(
            schema: kindsSchema,
            rules: [
                .init(selector: "martlet.kinds.v1.Library.Echo", rule: HTTPRule(verb: "*", path: "/a")),
                .init(selector: "martlet.kinds.v1.Library.GetBook", rule: HTTPRule(verb: "GET", path: "/a")),
            ])
        #expect(Self.find("GET", "/a", plan) == "GetBook" && Self.find("PURGE", "/a", plan) == "Echo")
    }

    @Test(
        "what is wrong with a rule is said by name",
        arguments: [
            ("Echo", HTTPRule(verb: "GET", path: "/x/{nope}"), "GET /x/{nope}: martlet.kinds.v1.Kinds has no field nope"),
            (
                "Echo", HTTPRule(verb: "GET", path: "/x/{child}"),
                "GET /x/{child}: child: a path binds a single number, string, bytes, bool or enum, a Timestamp, Duration or FieldMask, or a wrapper of those"
            ),
            (
                "Echo", HTTPRule(verb: "GET", path: "/x/{structure}"),
                "GET /x/{structure}: structure: a path binds a single number, string, bytes, bool or enum, a Timestamp, Duration or FieldMask, or a wrapper of those"
            ),
            (
                "Echo", HTTPRule(verb: "GET", path: "/x/{timestamps}"),
                "GET /x/{timestamps}: timestamps: a path binds a single number, string, bytes, bool or enum, a Timestamp, Duration or FieldMask, or a wrapper of those"
            ),
            ("Echo", HTTPRule(verb: "GET", path: "/x/{a_string}/{aString}"), "GET /x/{a_string}/{aString}: aString is bound twice"),
            (
                "Echo", HTTPRule(verb: "GET", path: "/x/{timestamp}/{timestamp.seconds}"),
                "GET /x/{timestamp}/{timestamp.seconds}: timestamp.seconds is bound twice"
            ),
            (
                "Echo", HTTPRule(verb: "GET", path: "/x/{strings}"),
                "GET /x/{strings}: strings: a path binds a single number, string, bytes, bool or enum, a Timestamp, Duration or FieldMask, or a wrapper of those"
            ),
            ("Echo", HTTPRule(verb: "GET", path: "/x", body: "nope"), "GET /x: body: martlet.kinds.v1.Kinds has no field nope"),
            (
                "Echo", HTTPRule(verb: "GET", path: "/x", responseBody: "n"),
                "GET /x: response_body: martlet.kinds.v1.Kinds has no field n"
            ),
            ("Echo", HTTPRule(verb: "GET", path: "/x//y"), "/x//y, character 4: expected a segment"),
            ("Echo", HTTPRule(verb: "", path: ""), "a rule without an HTTP method and a path"),
            (
                "Echo", HTTPRule(verb: "GET", path: "/v1/books/*"),
                "GET /v1/books/* is bound already, by martlet.kinds.v1.Library.GetBook as GET /v1/books/{name}"
            ),
            (
                "Echo", HTTPRule(verb: "POST", path: "/martlet.kinds.v1.Library/GetBook"),
                "POST /martlet.kinds.v1.Library/GetBook is martlet.kinds.v1.Library.GetBook's own"
            ),
        ])
    func problems(method: String, rule: HTTPRule, problem: String) {
        let name = "martlet.kinds.v1.Library.\(method)"
        let own = TranscodingPlan.Rule(
            selector: "martlet.kinds.v1.Library.GetBook", rule: HTTPRule(verb: "GET", path: "/v1/books/{name}"))
        // Whichever comes first in the schema has the place.
        let plan = TranscodingPlan(schema: kindsSchema, rules: [own, .init(selector: name, rule: rule)])
        let expected = "\(name): \(problem)"
        let swapped = "martlet.kinds.v1.Library.GetBook: GET /v1/books/{name} is bound already, by \(name) as GET /v1/books/*"
        let found = plan.mistakes.map(\.problem)
        #expect(found == [expected] || found == [swapped], "\(found)")
        #expect(plan.problems.isEmpty && plan.mistakes.map(\.rule) == [found == [expected] ? 1 : 0])
    }

    @Test("a rule for no method is said too")
    func unknownSelector() {
        let plan = TranscodingPlan(schema: kindsSchema, rules: [.init(selector: "a.B.C", rule: HTTPRule(verb: "GET", path: "/a"))])
        #expect(plan.mistakes.map(\.problem) == ["a.B.C: no such method"])
    }

    @Test(
        "the methods of a path are those that have a rule",
        arguments: [
            ("/v1/shelves/a/books/b", "GET, LOCK, PATCH, PUT"), ("/v1/shelves/a/books/b:burn", "GET, LOCK, PATCH, POST, PUT"),
            ("/nowhere", ""),
        ])
    func allowed(path: String, methods: String) {
        let found = Array(path.utf8).withUnsafeBytes { TranscodingIndex([kindsPlan]).methods(of: $0) { _, _ in true } }
        #expect(found.sorted().joined(separator: ", ") == methods)
    }
}
