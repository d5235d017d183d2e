internal import Matching
package import Protobuf
internal import Routing
package import Transcoding

extension RouteMatch.Target {
    /// Whether a call of this method comes here, by its RPC or by its HTTP path.
    package func reaches(_ method: MethodSchema, _ shape: BindingShape?) -> Bool {
        switch self {
        case .any: true
        case .service, .services: takes(service: method.serviceName)
        case .path(let path): method.path == path || shape?.isLiteral == true && shape?.path == path
        case .subtree(let path):
            Self.path(path).reaches(method, shape) || Self.prefix(path + "/").reaches(method, shape)
        case .regex(let expression):
            expression.matches(method.path) || shape.map { Self.mayMatch(expression, $0) } == true
        case .prefix(let prefix): method.path.hasPrefix(prefix) || shape?.prefixes.contains(prefix) == true
        }
    }

    private static func mayMatch(_ expression: RegularExpression, _ shape: BindingShape) -> Bool {
        shape.isFixed ? expression.matches(shape.path) : expression.mayMatch(beginningWith: shape.prefixes.last ?? "/")
    }
}

extension RouteMatch {
    /// Whether a call by this rule comes here, as far as path and HTTP method say.
    func reaches(_ method: MethodSchema, _ binding: Binding) -> Bool {
        takes(verb: binding.verb) && targets.contains { $0.reaches(method, binding.shape) }
    }

    func takes(verb: String) -> Bool { httpMethods.isEmpty || verb == "*" || httpMethods.contains(verb) }
}

extension BindingShape {
    /// It is one path, with a verb or without.
    var isFixed: Bool { !path.contains("*") }

    /// `/`, `/v1/`, …: all that every path of the rule begins with and that ends with a slash, but for `**` that is empty.
    package var prefixes: [String] {
        var prefix = "/"
        var prefixes = [prefix]
        for literal in isLiteral ? literals.dropLast() : literals[...] {
            prefix += literal + "/"
            prefixes.append(prefix)
        }
        // A verb comes behind the last literal, and no slash.
        if !isLiteral, !path.contains("*") { prefixes.removeLast() }
        return prefixes
    }
}
