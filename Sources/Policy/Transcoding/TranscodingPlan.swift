internal import Bytes
package import Protobuf

/// How the methods of one schema are reached by HTTP and JSON. Immutable, one a cluster and schema.
package final class TranscodingPlan: Sendable {
    /// A rule that a configuration gives a method, instead of its annotation.
    package struct Rule: Sendable, Equatable {
        /// `pkg.Service.Method`.
        package var selector: String
        package var rule: HTTPRule

        package init(selector: String, rule: HTTPRule) {
            self.selector = selector
            self.rule = rule
        }
    }

    package enum Outcome: Equatable, Sendable {
        case found
        case notFound
        /// The path has bindings, for other HTTP methods only.
        case methodNotAllowed
    }

    package let schema: Schema
    package let options: TranscodingOptions
    /// The methods' own paths first, in the schema's order, then rules as they were found.
    package let bindings: [Binding]
    /// What is wrong with the schema's own rules, each by name. Such a rule does not apply.
    package let problems: [String]
    /// What is wrong with the rules given, by their places among those.
    package let mistakes: [(rule: Int, problem: String)]
    private let index: BindingIndex

    package init(schema: Schema, rules: [Rule] = [], options: TranscodingOptions = TranscodingOptions()) {
        var builder = Builder(schema: schema)
        let given = Dictionary(grouping: rules.indices, by: { rules[$0].selector })
        var mistakes: [(rule: Int, problem: String)] = []
        for (place, method) in schema.methods.enumerated() {
            guard let own = given[method.fullName] else {
                if let rule = method.rule { builder.add(rule, method: place) }
                continue
            }
            for index in own {
                let known = builder.problems.count
                builder.add(rules[index].rule, method: place)
                mistakes += builder.problems[known...].map { (index, $0) }
                builder.problems.removeSubrange(known...)
            }
        }
        let names = Set(schema.methods.map(\.fullName))
        for (index, rule) in rules.enumerated() where !names.contains(rule.selector) {
            mistakes.append((index, "\(rule.selector): no such method"))
        }
        self.mistakes = mistakes
        self.schema = schema
        self.options = options
        bindings = builder.bindings
        problems = builder.problems
        index = builder.index
    }

    /// The same with other options.
    package init(_ plan: TranscodingPlan, options: TranscodingOptions) {
        schema = plan.schema
        self.options = options
        bindings = plan.bindings
        problems = plan.problems
        mistakes = plan.mistakes
        index = plan.index
    }

    private struct Builder {
        let schema: Schema
        let index = BindingIndex()
        var bindings: [Binding]
        var problems: [String] = []

        init(schema: Schema) {
            self.schema = schema
            bindings = schema.methods.indices.map { Binding(plain: $0, of: schema) }
        }

        /// A rule and its additional bindings, which have none themselves.
        mutating func add(_ rule: HTTPRule, method: Int) {
            for rule in [rule] + rule.additional { addOne(rule, method: method) }
        }

        private mutating func addOne(_ rule: HTTPRule, method: Int) {
            let name = schema.methods[method].fullName
            guard !rule.verb.isEmpty, !rule.path.isEmpty else {
                return problems.append("\(name): a rule without an HTTP method and a path")
            }
            do {
                let template = try PathTemplate(rule.path)
                let binding = try Binding(rule, template, method: method, of: schema)
                if rule.verb == "POST", let other = schema.method(path: rule.path) {
                    if other == method {
                        bindings[other] = binding
                    } else {
                        problems.append("\(name): \(binding.text) is \(schema.methods[other].fullName)'s own")
                    }
                    return
                }
                if let other = index.insert(template, method: rule.verb, binding: bindings.count) {
                    let owner = schema.methods[bindings[other].method].fullName
                    return problems.append("\(name): \(binding.text) is bound already, by \(owner) as \(bindings[other].text)")
                }
                bindings.append(binding)
            } catch let mistake as PathTemplate.Mistake {
                problems.append("\(name): \(rule.path), character \(mistake.column): \(mistake.problem)")
            } catch let mistake as BindingMistake {
                problems.append("\(name): \(rule.verb) \(rule.path): \(mistake.problem)")
            } catch {
                problems.append("\(name): \(rule.path)")
            }
        }
    }

    /// Finds what a request means. `path` is without the query; `query` without the question mark.
    package func match(
        method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer,
        into match: BindingMatch
    ) -> Outcome {
        match.path = path
        match.query = query
        // The methods' own paths are literals as a whole, and literals go first.
        let own = schema.method(path: path)
        if method.equals("POST"), matchOwn(path: path, query: query, into: match) { return .found }
        switch index.find(method: method, path, &match.segments, accepts: { _ in true }) {
        case .found(let binding):
            match.binding = binding
            match.method = bindings[binding].method
            return .found
        case .otherMethod: return .methodNotAllowed
        case .notFound: return own == nil ? .notFound : .methodNotAllowed
        }
    }

    /// Whether a POST to this path means the method whose own it is.
    package func matchOwn(path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer, into match: BindingMatch) -> Bool {
        guard let own = schema.method(path: path) else { return false }
        match.path = path
        match.query = query
        match.binding = own
        match.method = own
        return true
    }
}
