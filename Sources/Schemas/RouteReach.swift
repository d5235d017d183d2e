package import Protobuf
internal import Routing
package import Transcoding

extension RouteMatch.Target {
    /// Whether a call of this method comes here, by its RPC or by its HTTP path.
    package func reaches(_ method: MethodSchema, _ shape: BindingShape?) -> Bool {
        switch self {
        case .any: true
        case .service(let service): method.serviceName == service
        case .path(let path): method.path == path || shape?.isLiteral == true && shape?.path == path
        case .prefix(let prefix): method.path.hasPrefix(prefix) || shape?.prefixes.contains(prefix) == true
        }
    }
}

extension BindingShape {
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
