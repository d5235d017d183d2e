internal import Bridging
internal import Config
internal import GatewayModel
internal import Routing

/// Says where `gzip` would compress nothing.
struct GzipChecks {
    private let clusters: [ClusterConfiguration]
    private let findings: Findings

    init(_ clusters: [ClusterConfiguration], _ findings: Findings) {
        self.clusters = clusters
        self.findings = findings
    }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        guard case .on(_) = route.gzip else { return }
        let targets = clusters.filter { route.clusters.contains($0.name) }
        let carriesRPCs = targets.allSatisfy { $0.speaks == .http2 && (route.match.isOfServices || $0.schema != nil) }
        guard !targets.isEmpty, carriesRPCs else { return }
        findings.report(
            "found on a route of RPCs, expected it where a backend of plain HTTP answers: RPCs compress their messages themselves, and "
                + "JSON made of them is compressed where nothing is said",
            at: path["gzip"], severity: .warning)
    }
}
