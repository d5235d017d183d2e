internal import AccessControl
internal import Config
internal import GatewayModel
internal import LimitRules
internal import Metrics
internal import RateLimit
internal import Routing
internal import Transcoding
internal import Upstreams

/// Builds the routes of the OpenAPI document and its HTML page.
struct OpenAPIDocuments {
    private let configuration: GatewayConfiguration

    init(_ configuration: GatewayConfiguration) { self.configuration = configuration }

    /// The routes of the document and its page: before all others, which would take their paths.
    func routes(_ builder: inout RuleBookBuilder, _ metrics: GatewayMetrics) -> [Route] {
        guard let openAPI = configuration.openAPI else { return [] }
        var settings = CallPolicy.Settings(access: builder.policy(route: openAPI.access))
        settings.credentials = CredentialPlan(.on, configuration.authentication)
        settings.answersItself = true
        let policy = CallPolicy(settings)
        let pages: [(String?, Route.DirectAnswer)] = [(openAPI.document, .document), (openAPI.page, .page)]
        return pages.compactMap { path, page in path.map { ($0, page) } }.enumerated().map { index, entry in
            let (path, page) = entry
            return Route(
                index: index, name: "openapi", match: RouteMatch(target: .path(path)), cluster: 0,
                policies: [policy],
                calls: metrics.calls.group("openapi"), priority: .default, leadsToHTTP1: false, cors: nil, errorResponses: [],
                gzip: nil, json: nil,
                transcoding: nil, hasSchema: false, traffic: nil, answer: page, fallback: nil, methods: [])
        }
    }

    /// What a document says of calls on a route, or of one of its methods.
    func terms(of route: RouteConfiguration, _ method: MethodConfiguration? = nil) -> OpenAPIDocument.Terms {
        var terms = OpenAPIDocument.Terms()
        guard configuration.openAPI != nil else { return terms }
        let allow = RuleBookBuilder.enforcedAllow(route: route.access, method: method?.access)
        terms.needsToken = configuration.authentication != nil && !allow.admitsUnauthenticated
        if terms.needsToken { terms.scopes = allow.scopes }
        let limits = (route.limits + (method?.limits ?? [])).filter { !$0.rule.isShadow && $0.effect != .exempt }
        terms.limits = limits.filter { $0.when == nil && $0.effect == .count }.map(\.text)
        terms.hasOtherLimits = terms.limits.count < limits.count
        terms.timeout = method?.timeout ?? route.timeout
        if let authentication = configuration.authentication, route.credentials != .off {
            terms.checksTokens = true
            // A plan's limits apply to every call with a valid token, on every route.
            let hasPlan = authentication.plan != nil || authentication.defaultPlan != nil
            terms.mayDeny = hasPlan
            let plansLimit =
                hasPlan && configuration.plans.contains { $0.limits.contains { !$0.rule.isShadow && $0.effect != .exempt } }
            terms.hasOtherLimits = terms.hasOtherLimits || plansLimit || authentication.failedLogins != nil
        }
        if route.access.deny != nil || method?.access.deny != nil || !allow.admitsUnauthenticated { terms.mayDeny = true }
        return terms
    }
}

extension AccessRule {
    /// Those that every caller needs.
    fileprivate var scopes: [String] {
        switch self {
        case .scopes(let scopes): scopes
        case .all(let rules): rules.flatMap(\.scopes)
        default: []
        }
    }
}
