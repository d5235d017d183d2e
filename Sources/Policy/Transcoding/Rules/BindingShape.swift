/// Which paths a rule takes, for holding rules of several schemas against each other.
package struct BindingShape: Hashable, Sendable {
    /// Segments as a path has them, `*` and `**`, and the verb: without the names of variables.
    package let path: String
    /// The leading segments that are literals.
    package let literals: [String]
    /// All of them are, and there is no verb.
    package let isLiteral: Bool

    init(_ template: PathTemplate) {
        var literals: [String] = []
        var path = ""
        var isLiteral = true
        for segment in template.segments {
            switch segment {
            case .literal(let bytes):
                let text = String(decoding: bytes, as: UTF8.self)
                path += "/" + text
                if isLiteral { literals.append(text) }
            case .one:
                path += "/*"
                isLiteral = false
            case .rest:
                path += "/**"
                isLiteral = false
            }
        }
        if !template.verb.isEmpty {
            path += ":" + String(decoding: template.verb, as: UTF8.self)
            isLiteral = false
        }
        self.path = path
        self.literals = literals
        self.isLiteral = isLiteral
    }
}

extension Binding {
    /// `nil` for a method's own path.
    package var shape: BindingShape? { template.map { BindingShape($0) } }
}
