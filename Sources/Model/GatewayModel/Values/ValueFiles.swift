internal import AccessControl
package import Config
internal import HTTPModel
internal import Matching
internal import Routing

extension GatewayConfiguration {
    /// The files that list values for matches, each with the path of the part that names it: of one file there may be several.
    package var valueFiles: [(file: String, path: ConfigurationPath)] {
        var found: [(file: String, path: ConfigurationPath)] = []
        func add(_ match: ValueMatch, _ path: ConfigurationPath) {
            for file in match.files { found.append((file, path)) }
        }
        func add(_ access: AccessRules, _ path: ConfigurationPath) {
            for (key, rule) in [("allow", access.allow), ("deny", access.deny)] {
                for match in rule?.rule.values ?? [] { add(match, path[key]) }
            }
        }
        func add(_ limits: [LimitConfiguration], _ path: ConfigurationPath) {
            for (index, limit) in limits.enumerated() {
                for match in limit.when?.values ?? [] { add(match, path["limits"][index]["when"]) }
            }
        }
        if let openAPI { add(openAPI.access, ConfigurationPath("openapi")) }
        for (index, route) in routes.enumerated() {
            let path = ConfigurationPath.route(index)
            for header in route.match.headers { add(header.value, path["headers"][header.name]["file"]) }
            for parameter in route.match.query { add(parameter.value, path["query"][parameter.name]["file"]) }
            if let cors = route.cors { add(cors.origins, path["cors"]["origins"]) }
            add(route.access, path)
            add(route.limits, path)
            for method in route.methods {
                add(method.access, path.method(method.name))
                add(method.limits, path.method(method.name))
            }
        }
        for plan in plans { add(plan.limits, .plan(plan.name)) }
        return found
    }
}

extension AccessRule {
    /// What it asks of claims and headers.
    fileprivate var values: [ValueMatch] {
        switch self {
        case .any(let rules), .all(let rules): rules.flatMap(\.values)
        case .not(let rule): rule.values
        case .claim(_, let value): [value]
        case .header(let header): [header.value]
        case .anyone, .authenticated, .scopes, .httpMethod, .address, .clientCertificate: []
        }
    }
}
