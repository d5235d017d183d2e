import Bytes
import Foundation
import Protobuf
import Testing

@testable import Transcoding

@Suite("OpenAPI documents")
struct OpenAPIDocumentTests {
    private static let name = "martlet.kinds.v1.Library"

    private func document(
        _ plan: TranscodingPlan = kindsPlan, _ terms: OpenAPIDocument.Terms = .init()
    ) throws -> [String: Any] {
        var document = OpenAPIDocument(title: "Library")
        for binding in plan.bindings { document.add(binding, of: plan, terms) }
        var buffer = ByteBuffer()
        document.write(to: &buffer)
        return try JSONSerialization.jsonObject(with: Data(buffer.readable)) as! [String: Any]
    }

    private func value(_ tree: Any, _ way: String...) -> Any? {
        way.reduce(Optional(tree)) { tree, name in
            if let list = tree as? [Any], let place = Int(name) { return place < list.count ? list[place] : nil }
            return (tree as? [String: Any])?[name]
        }
    }

    private func plan(_ rules: [(method: String, rule: HTTPRule)], options: TranscodingOptions = .init()) -> TranscodingPlan {
        TranscodingPlan(
            schema: kindsSchema, rules: rules.map { .init(selector: "\(Self.name).\($0.method)", rule: $0.rule) }, options: options)
    }

    @Test(
        "wildcards become parameters, named after what stands before them",
        arguments: [
            ("/v1/{name=shelves/*/books/*}", "/v1/shelves/{shelves}/books/{books}"), ("/v1/{name}", "/v1/{name}"),
            ("/v1/{name=**}", "/v1/{name}"), ("/{name=books/**}:open", "/books/{books}:open"), ("/v1/*/x/*", "/v1/{v1}/x/{x}"),
            ("/a/{name=*/*}", "/a/{a}/{a_2}"),
        ])
    func paths(template: String, path: String) throws {
        let told = try document(plan([("GetBook", HTTPRule(verb: "GET", path: template))]))
        #expect(value(told, "paths", path, "get", "x-grpc-method") as? String == "/\(Self.name)/GetBook")
    }

    @Test("a query has what neither path nor body has, down to its leaves")
    func query() throws {
        let rule = HTTPRule(verb: "POST", path: "/b/{name}", body: "tags")
        let told = try document(plan([("ReplaceBook", rule)]))
        let parameters = value(told, "paths", "/b/{name}", "post", "parameters") as? [[String: Any]]
        #expect(
            parameters?.map { $0["name"] as! String } == [
                "name", "title", "pages", "cover", "author.givenName", "author.born", "published", "loan", "edition",
            ])
        #expect(
            value(told, "paths", "/b/{name}", "post", "requestBody", "content", "application/json", "schema", "type") as? String
                == "array")
    }

    @Test("names and enums are as the route writes them")
    func style() throws {
        let told = try document(plan([], options: lenient { ($0.keepsProtoNames, $0.printsEnumsAsNumbers) = (true, true) }))
        let kinds = value(told, "components", "schemas", "martlet.kinds.v1.Kinds", "properties")!
        #expect(value(kinds, "an_int64", "format") as? String == "int64" && value(kinds, "anInt64") == nil)
        #expect(value(kinds, "colour", "type") as? String == "integer")
    }

    @Test("what a path item has no place for is left out, and who comes first has a path")
    func leftOut() throws {
        let told = try document(
            plan([
                ("Echo", HTTPRule(verb: "LOCK", path: "/lock")), ("GetBook", HTTPRule(verb: "GET", path: "/v1/{name}")),
                ("CheckBook", HTTPRule(verb: "GET", path: "/v1/{name}:x")),
            ]))
        #expect(value(told, "paths", "/lock", "lock") == nil)
        #expect(value(told, "paths", "/v1/{name}", "get", "x-grpc-method") as? String == "/\(Self.name)/GetBook")
    }

    @Test("terms are told with each call, and tokens once")
    func terms() throws {
        var terms = OpenAPIDocument.Terms()
        #expect(value(try document(kindsPlan, terms), "components", "securitySchemes") == nil)
        terms.needsToken = true
        terms.scopes = ["a"]
        terms.limits = ["5/s"]
        terms.timeout = .seconds(5)
        let told = try document(kindsPlan, terms)
        let echo = value(told, "paths", "/\(Self.name)/Echo", "post")!
        #expect(value(echo, "security", "0", "token", "0") as? String == "a" && value(echo, "x-limits", "0") as? String == "5/s")
        #expect(value(echo, "responses", "401") != nil && value(echo, "responses", "429") != nil)
        #expect(value(told, "components", "securitySchemes", "token", "scheme") as? String == "bearer")
    }

    @Test("two schemas with one message name have a component each")
    func twoSchemas() throws {
        let other = TranscodingPlan(schema: try Schema(descriptorSets: [decoded(KindsDescriptors.base64)]))
        var document = OpenAPIDocument(title: "")
        document.add(kindsPlan.bindings[0], of: kindsPlan, .init())
        document.add(other.bindings[1], of: other, .init())
        document.add(other.bindings[0], of: other, .init())
        var buffer = ByteBuffer()
        document.write(to: &buffer)
        let told = try JSONSerialization.jsonObject(with: Data(buffer.readable))
        #expect((value(told, "paths") as? [String: Any])?.count == 2)
    }
}
