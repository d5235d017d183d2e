internal import Config
internal import Protobuf

extension Grammar where Value == HTTPRuleConfiguration {
    static var httpRule: Grammar {
        .section(expected: "a mapping with method and an HTTP method such as get") { section in
            let method = section.required("method", .rpcMethod)
            let rule = HTTPRule.read(section)
            var additional: [HTTPRule] = []
            if section.has("additional") {
                let one = Grammar<HTTPRule>.section(expected: "a mapping with an HTTP method such as get") { HTTPRule.read($0) }
                additional = section.value("additional", .list(of: one), default: [])
            }
            guard let method, var rule else { return nil }
            rule.additional = additional
            return HTTPRuleConfiguration(method: method, rule: rule)
        }
    }
}

extension Grammar where Value == String {
    /// `pkg.Service/Method`, or with a dot, as `google.api.http` selects it; read as the latter.
    fileprivate static var rpcMethod: Grammar {
        Grammar(expected: "a method such as acme.orders.v1.Orders/GetOrder") { (text: String) in
            let name = String(text.map { $0 == "/" ? "." : $0 })
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            return Reading(parts.count > 1 && !parts.contains("") && text.count { $0 == "/" } < 2 ? name : nil)
        }
    }
}

extension HTTPRule {
    private static var verbs: [String] { ["get", "put", "post", "delete", "patch", "custom"] }

    /// Reads one of the HTTP methods, `body` and `response_body`.
    fileprivate static func read(_ section: Section) -> HTTPRule? {
        let given = verbs.filter { section.has($0) }
        let path = Grammar<String>.text("a path template such as /v1/{name=orders/*}")
        let body = section.optional("body", .text("the name of a field, or \"*\""))
        let responseBody = section.optional("response_body", .text("the name of a field"))
        guard let verb = given.first else {
            section.report("has no HTTP method, expected one of \(verbs.joined(separator: ", "))")
            return nil
        }
        for other in given.dropFirst() { section.exclude(verb, with: other) }
        guard verb == "custom" else {
            return section.optional(verb, path).map {
                HTTPRule(verb: verb.uppercased(), path: $0, body: body, responseBody: responseBody)
            }
        }
        let custom = Grammar<(String, String)>.section(expected: "a mapping with method and path") { section in
            let method = section.required("method", .text("an HTTP method such as LOCK, or \"*\" for any"))
            let path = section.required("path", path)
            guard let method, let path else { return nil }
            return (method, path)
        }
        return section.optional("custom", custom).map {
            HTTPRule(verb: $0.0, path: $0.1, body: body, responseBody: responseBody)
        }
    }
}
