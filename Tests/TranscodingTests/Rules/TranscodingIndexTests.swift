import Protobuf
import Testing

@testable import Transcoding

@Suite("One index of several plans")
struct TranscodingIndexTests {
    private func plan(_ rules: (String, HTTPRule)...) throws -> TranscodingPlan {
        TranscodingPlan(
            schema: try Schema(descriptorSets: [decoded(KindsDescriptors.base64)]),
            rules: rules.map { .init(selector: "martlet.kinds.v1.Library.\($0.0)", rule: $0.1) })
    }

    private func find(
        _ index: TranscodingIndex, _ method: String, _ path: String, accepting accepted: Set<Int> = [0, 1]
    ) -> String {
        let match = BindingMatch()
        var asked = -1
        let outcome = Array(path.utf8).withUnsafeBytes { path in
            Array(method.utf8).withUnsafeBytes { method in
                index.match(
                    method: method, path: path, query: UnsafeRawBufferPointer(start: nil, count: 0), into: match
                ) { plan, _ in
                    asked = plan
                    return accepted.contains(plan)
                }
            }
        }
        return outcome == .found ? "\(asked) \(index.plans[asked].schema.methods[match.method].name)" : "\(outcome)"
    }

    @Test("the plan that was given first has what both have, unless it may not")
    func order() throws {
        let index = TranscodingIndex([
            try plan(("GetBook", HTTPRule(verb: "GET", path: "/a/{name}"))),
            try plan(("CheckBook", HTTPRule(verb: "GET", path: "/a/*"))),
        ])
        #expect(find(index, "GET", "/a/b") == "0 GetBook")
        #expect(find(index, "GET", "/a/b", accepting: [1]) == "1 CheckBook")
        #expect(find(index, "GET", "/a/b", accepting: []) == "notFound")
    }

    @Test("what may not be the one does not keep a wider rule from being found")
    func backtracking() throws {
        let index = TranscodingIndex([
            try plan(("GetBook", HTTPRule(verb: "GET", path: "/a/b"))),
            try plan(("CheckBook", HTTPRule(verb: "GET", path: "/{name=**}"))),
        ])
        #expect(find(index, "GET", "/a/b") == "0 GetBook")
        #expect(find(index, "GET", "/a/b", accepting: [1]) == "1 CheckBook")
    }

    @Test("another HTTP method counts only of what may be the one")
    func methods() throws {
        let index = TranscodingIndex([try plan(("GetBook", HTTPRule(verb: "GET", path: "/a"))), try plan()])
        #expect(find(index, "PUT", "/a") == "methodNotAllowed")
        #expect(find(index, "PUT", "/a", accepting: [1]) == "notFound")
    }

    @Test("own paths are not among the rules")
    func own() throws {
        #expect(find(TranscodingIndex([try plan()]), "POST", "/martlet.kinds.v1.Library/Echo") == "notFound")
    }
}
