import Bytes
import GatewayModel
import HTTPModel
import Snapshots
import Testing

@testable import Calls

@Suite("What of a peer's fields and parameters goes further")
struct AllowListTests {
    private func list(_ names: String...) -> NameList {
        NameList(
            names: names.filter { $0.last != "*" }.map { Array($0.utf8) },
            prefixes: names.filter { $0.last == "*" }.map { Array($0.utf8.dropLast()) })
    }

    private func rules(_ changes: HeaderChanges, always: NameList = HeaderChanges.alwaysInRequests) throws -> HeaderRules {
        try #require(HeaderRules(changes, always: always))
    }

    private func sent(_ fields: [(String, String)], by rules: HeaderRules, trailers: [(String, String)] = []) -> [String] {
        let worker = HeadTests.Worker()
        let source = worker.stream(HeadTests.head + fields, trailers: trailers)
        var additions = RequestHead.Additions()
        additions.rules = Borrowed(rules)
        additions.forwardsToken = true
        let claims = ClaimHeaders([(Array("x-tenant".utf8), Array("acme".utf8))])
        additions.claims = Borrowed(claims)
        defer { withExtendedLifetime(claims) {} }
        let head = RequestHead.write(
            method: BorrowedBytes("POST"), target: BorrowedBytes("/"), from: source, to: worker.stream(), additions,
            scratch: worker.scratch)
        let text = HeadTests.text(head)
        let behind = ResponseHead.trailers(
            from: source, to: worker.stream(), without: Borrowed(claims), Borrowed(rules), scratch: worker.scratch)
        return text + HeadTests.text(behind).map { "trailer \($0)" }
    }

    @Test("what is not listed stays here; what describes the body, the protocol's own and what the gateway adds goes on")
    func headers() throws {
        let rules = try rules(HeaderChanges(only: list("accept", "x-*"), remove: [Array("x-debug".utf8)]))
        let text = sent(
            [
                ("accept", "a"), ("accept-language", "b"), ("cookie", "c"), ("authorization", "d"), ("x-a", "e"), ("x_b", "f"),
                ("x-debug", "g"), ("x", "h"), ("content-type", "application/grpc"), ("content-length", "7"),
                ("content-encoding", "i"),
                ("content-language", "j"), ("grpc-encoding", "gzip"), ("grpc-trace-bin", "k"), ("connect-protocol-version", "1"),
                ("user-agent", "l"), ("traceparent", "m"), ("x-forwarded-host", "n"), ("forwarded", "o"), ("te", "trailers"),
            ], by: rules, trailers: [("x-sum", "1"), ("y-sum", "2"), ("x-debug", "3")])
        #expect(
            text == [
                ":method: POST", ":scheme: http", ":path: /", ":authority: Api.Acme.dev:443", "accept: a", "x-a: e",
                "content-type: application/grpc", "content-length: 7", "content-encoding: i", "grpc-encoding: gzip",
                "grpc-trace-bin: k", "connect-protocol-version: 1", "x-forwarded-host: n", "forwarded: o", "te: trailers",
                "x-forwarded-for: ", "x-forwarded-proto: http", "x-request-id: ", "x-tenant: acme", "trailer x-sum: 1",
            ])
    }

    @Test("an empty list lets nothing of the caller's own pass")
    func none() throws {
        let text = sent([("accept", "a"), ("x-a", "e")], by: try rules(HeaderChanges(only: NameList())))
        #expect(!text.contains { $0.hasPrefix("accept") || $0.hasPrefix("x-a") } && text.contains("x-tenant: acme"))
    }

    @Test("of an upstream's answer, its status, its body's fields and gRPC's go on; what is said of requests does not")
    func answers() throws {
        let rules = try rules(HeaderChanges(only: list("etag")), always: HeaderChanges.alwaysInResponses)
        func isKept(_ name: String) -> Bool {
            let worker = HeadTests.Worker()
            defer { withExtendedLifetime(worker) {} }
            return !rules.leavesOut(worker.stream([(name, "1")]).fields[0])
        }
        for name in [":status", "content-type", "content-range", "date", "grpc-status", "grpc-status-details-bin", "etag"] {
            #expect(isKept(name), "\(name)")
        }
        for name in ["server", "set-cookie", "x-forwarded-host", "forwarded", "etags", "content-security-policy"] {
            #expect(!isKept(name), "\(name)")
        }
    }

    @Test("a method's list takes the place of its route's")
    func methods() {
        let route = HeaderChanges(only: list("a"), set: [], remove: [Array("b".utf8)])
        #expect(route.followed(by: HeaderChanges()).only == list("a"))
        #expect(route.followed(by: HeaderChanges(only: list("c"))) == HeaderChanges(only: list("c"), remove: [Array("b".utf8)]))
    }

    static let queries: [(only: [String]?, remove: [String], query: String, kept: String)] = [
        (["page", "limit"], [], "page=1&debug=2&limit=3", "page=1&limit=3"),
        (["page"], [], "p%61ge=%31&pag%65&page&PAGE=1&pages=2", "p%61ge=%31&pag%65&page"),
        (["a b"], [], "a+b=1&a%20b=2&a%2Bb=3", "a+b=1&a%20b=2"),
        (["a"], [], "b=1&&a&=2&", "a"),
        (["a"], [], "b=a&c=%26a=1", ""),
        (["filter[*"], [], "filter[a]=1&filter%5Bb%5D=2&filters=3", "filter[a]=1&filter%5Bb%5D=2"),
        (nil, ["debug"], "a=1&de%62ug=1&%64%65%62%75%67&b=%zz", "a=1&b=%zz"),
        (nil, ["utm_*"], "utm_source=a&utm%5Fid=1&%75tm_x&utm=2", "utm=2"),
        // Escapes are undone once, as servers do, and a malformed one stands for itself.
        (nil, ["debug"], "de%2562ug=1&de%6=2&debug%00=3", "de%2562ug=1&de%6=2&debug%00=3"),
        (["x*"], ["xy"], "x=1&xy=2&xyz=3&y=4", "x=1&xyz=3"),
        ([], [], "a=1&b", ""),
    ]

    @Test("parameters go on by their decoded names, as they were sent and in their order", arguments: queries.indices)
    func query(index: Int) {
        let (only, remove, query, kept) = Self.queries[index]
        func list(_ names: [String]) -> NameList {
            NameList(
                names: names.filter { $0.last != "*" }.map { Array($0.utf8) },
                prefixes: names.filter { $0.last == "*" }.map { Array($0.utf8.dropLast()) })
        }
        let worker = HeadTests.Worker()
        defer { withExtendedLifetime(worker) {} }
        let stream = worker.stream()
        let left = Array(query.utf8).withUnsafeBytes {
            let rules = QueryChanges(only: only.map(list), remove: list(remove))
            return String(decoding: Rewriting.query($0, rules, in: &stream.fields), as: UTF8.self)
        }
        #expect(left == kept)
    }
}
