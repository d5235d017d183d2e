internal import Config

/// Holds what clusters and routes ask of calls against what will be known of their callers.
struct BalancingChecks {
    private let authenticates: Bool
    private let hasTenant: Bool
    private let reader: Reader

    init(_ section: Section) {
        let authentication = section.node("authentication")
        authenticates = authentication != nil
        // A section that could not be read is the mistake to mend first.
        hasTenant = authentication.map { $0.entries == nil || $0.has("tenant") } ?? false
        reader = section.reader
    }

    func check(_ cluster: ClusterConfiguration) { check(cluster.balancing.hash) }

    func check(_ route: RouteConfiguration) { check(route.traffic.sticky) }

    private func check(_ sources: [Located<HashSource>]) {
        for source in sources {
            switch source.value {
            case .claim, .tenant:
                if !authenticates {
                    report(source, "expected authentication to say whose tokens are believed: no caller has a claim")
                } else if source.value == .tenant, !hasTenant {
                    report(source, "expected authentication.tenant to say what a tenant is")
                }
            case .header, .cookie, .address: continue
            }
        }
    }

    private func report(_ source: Located<HashSource>, _ message: String) {
        let written = reader.root?.written(at: source.place) ?? ""
        reader.report("found \(Quoted.text(written)), \(message)", at: source.place)
    }
}
