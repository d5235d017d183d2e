internal import Config
internal import GatewayModel
internal import Routing
internal import Transport

/// Preflights of one route that another takes: they announce headers without their values, by which alone some routes are told apart.
struct PreflightChecks {
    private let configuration: GatewayConfiguration
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        self.findings = findings
    }

    func run() {
        let routes = configuration.routes
        guard routes.contains(where: { $0.cors != nil && !$0.match.headers.isEmpty }) else { return }
        var takers: [Int: Int] = [:]
        if routes.allSatisfy(\.match.listeners.isEmpty) {
            collect(&takers, from: Array(routes.indices))
        } else {
            for listener in configuration.listeners {
                collect(
                    &takers,
                    from: routes.indices.filter {
                        routes[$0].match.listeners.isEmpty || routes[$0].match.listeners.contains(listener.name)
                    })
            }
        }
        for (route, taker) in takers.sorted(by: { $0.key < $1.key }) { report(route, takenBy: taker) }
    }

    /// The first routes that take all preflights of others, but not all of their requests.
    private func collect(_ takers: inout [Int: Int], from served: [Int]) {
        var (requests, preflights) = (RouteIndex(), RouteIndex())
        for route in served {
            var match = configuration.routes[route].match
            match.listeners = []
            let announced = match.announced
            if let cors = configuration.routes[route].cors, requests.first(covering: match) == nil,
                let taker = preflights.first(covering: announced), configuration.routes[taker].cors != cors
            {
                takers[route] = min(takers[route] ?? taker, taker)
            }
            requests.add(match, route)
            preflights.add(announced, route)
        }
    }

    private func report(_ route: Int, takenBy taker: Int) {
        let other = configuration.routes[taker]
        let name = "\(findings.places.place(of: .route(taker)).path) (\(Quoted.text(other.name)))"
        let why =
            other.cors == nil
            ? "found behind \(name), which takes the preflights of both and has no cors"
            : "found another cors than that of \(name), which answers the preflights of both"
        findings.report(
            "\(why): they announce headers without values", at: ConfigurationPath.route(route)["cors"], severity: .warning)
    }
}
