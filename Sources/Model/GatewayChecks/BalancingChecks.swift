internal import Config
internal import GatewayModel

/// Holds what clusters and routes ask of calls against what will be known of their callers.
struct BalancingChecks {
    private let authentication: WrittenAuthentication
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        authentication = WrittenAuthentication(configuration, findings.places)
        self.findings = findings
    }

    func check(_ cluster: ClusterConfiguration) {
        let path = ConfigurationPath.cluster(cluster.name)
        check(cluster.balancing.hash, at: path["load_balancing"]["hash"])
        guard cluster.locality == nil, case .list(let endpoints) = cluster.endpoints else { return }
        for (index, endpoint) in endpoints.enumerated() {
            guard let locality = endpoint.locality else { continue }
            return findings.report(
                "found a locality, expected the cluster to say where the gateway is: locality: \(locality)",
                at: path["endpoints"][index][endpoint.addressKey])
        }
    }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        check(route.traffic.sticky, at: path["sticky"])
        guard route.credentials == .off else { return }
        for (index, source) in route.traffic.sticky.enumerated() {
            switch source {
            case .claim, .tenant:
                report(source, at: path["sticky"][index], "expected none of an identity beside authentication: off")
            case .header, .cookie, .address: continue
            }
        }
    }

    private func check(_ sources: [HashSource], at path: ConfigurationPath) {
        for (index, source) in sources.enumerated() {
            switch source {
            case .claim, .tenant:
                if !authentication.isThere {
                    report(
                        source, at: path[index], "expected authentication to say whose tokens are believed: no caller has a claim")
                } else if source == .tenant, !authentication.hasTenant {
                    report(source, at: path[index], "expected authentication.tenant to say what a tenant is")
                }
            case .header, .cookie, .address: continue
            }
        }
    }

    private func report(_ source: HashSource, at path: ConfigurationPath, _ message: String) {
        let text = findings.places.written(at: path) ?? source.description
        findings.report("found \(Quoted.text(text)), \(message)", at: path)
    }
}
