internal import AccessControl
internal import Bridging
internal import Config
internal import GatewayModel
internal import Routing

/// Says where `gzip` would compress nothing.
struct GzipChecks {
    private let configuration: GatewayConfiguration
    private let hasAuthentication: Bool
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        hasAuthentication = WrittenAuthentication(configuration, findings.places).isThere
        self.findings = findings
    }

    func run() {
        for (index, route) in configuration.routes.enumerated() { check(route, at: .route(index)) }
        // A setting of no route's own is said once, where it can serve none of them.
        let heirs = configuration.routes.filter { $0.gzip == nil && !$0.clusters.isEmpty }
        if case .on(let gzip) = configuration.gzip, !heirs.isEmpty, heirs.allSatisfy({ needsToken($0, gzip, at: nil) }) {
            report("the routes that have it", at: ConfigurationPath("gzip"))
        }
    }

    private func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        guard case .on(let gzip) = route.gzip else { return }
        let targets = configuration.clusters.filter { route.clusters.contains($0.name) }
        guard !targets.isEmpty else { return }
        if targets.allSatisfy({ $0.speaks == .http2 && (route.match.isOfServices || $0.schema != nil) }) {
            findings.report(
                "found on a route of RPCs, expected it where a backend of plain HTTP answers: RPCs compress their messages themselves, and "
                    + "JSON made of them is compressed where nothing is said",
                at: path["gzip"], severity: .warning)
        } else if needsToken(route, gzip, at: path) {
            report("the route", at: path["gzip"])
        }
    }

    private func report(_ what: String, at path: ConfigurationPath) {
        findings.report(
            "compresses nothing: all callers of \(what) have tokens, and answers to requests with one are left as they are. Expected "
                + "with_credentials: true, where answers hold no secret beside what callers choose",
            at: path, severity: .warning)
    }

    /// Whether no answer is compressed because each request carries a credential.
    private func needsToken(_ route: RouteConfiguration, _ gzip: GzipConfiguration, at path: ConfigurationPath?) -> Bool {
        guard hasAuthentication, !gzip.includesCredentials, route.credentials != .off else { return false }
        // One that could not be read is reported already.
        if let path, route.access.allow == nil, findings.places.isWritten(path["allow"]) { return false }
        guard let allow = route.access.allow, allow.mode == .enforce else { return true }
        return !allow.rule.admitsUnauthenticated
    }
}
