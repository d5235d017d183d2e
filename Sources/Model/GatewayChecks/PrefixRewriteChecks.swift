internal import AccessControl
internal import Config
internal import GatewayModel
internal import Matching
internal import Routing

/// Rewrites by which callers reach paths of another route of the same cluster, past its rules.
///
/// What follows a prefix, and what groups of an expression take, is the caller's to choose, and nothing is matched again behind a rewrite.
/// A whole path is the author's choice, and not looked at.
struct PrefixRewriteChecks {
    private let configuration: GatewayConfiguration
    private let findings: Findings
    private let pathsOfClusters: [String: [SentPaths]]

    /// What a route sends upstream by one of its targets.
    private struct SentPaths {
        var route: Int
        /// Without the slash at its end.
        var beginning: String
        var isWhole: Bool
    }

    /// What a rewrite may make, of which its beginning is written.
    private struct Reach: Hashable {
        var beginning: String
        /// The beginning ends where a segment does.
        var isCut: Bool

        init?(_ path: RewriteConfiguration.Path?) {
            switch path {
            case .prefix(let prefix):
                beginning = prefix == Array("/".utf8) ? "" : String(decoding: prefix, as: UTF8.self)
                isCut = true
            case .groups(let pieces):
                beginning = if case .text(let text) = pieces.first { String(decoding: text, as: UTF8.self) } else { "" }
                isCut = false
            case .whole, nil: return nil
            }
        }

        func takes(_ path: String) -> Bool {
            isCut ? path == beginning || path.hasPrefix("\(beginning)/") : path.hasPrefix(beginning)
        }
    }

    private struct Question: Hashable {
        var clusters: [String]
        var reach: Reach
        var authorities: [RouteMatch.Authority]
        var rewritten: RewriteConfiguration.Authority
        var allow: AccessRule
        var deny: AccessRule?
    }

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        self.findings = findings
        var paths: [String: [SentPaths]] = [:]
        for (index, route) in configuration.routes.enumerated() where !route.access.admitsEveryone {
            for (beginning, isWhole) in route.sentPaths {
                for cluster in route.reachedClusters {
                    paths[cluster, default: []].append(SentPaths(route: index, beginning: beginning, isWhole: isWhole))
                }
            }
        }
        pathsOfClusters = paths
    }

    func run() {
        var answers: [Question: Int?] = [:]
        for (index, route) in configuration.routes.enumerated() {
            guard route.action == .cluster, let reach = Reach(route.rewrite.path) else { continue }
            let question = Question(
                clusters: route.reachedClusters, reach: reach, authorities: route.match.authorities,
                rewritten: route.rewrite.authority,
                allow: route.access.enforcedAllow, deny: route.access.enforcedDeny)
            let answer = answers[question] ?? routeLedPast(by: route, reach)
            answers[question] = .some(answer)
            guard let other = answer else { continue }
            findings.report(
                "leads to paths of \(findings.places.place(of: .route(other)).path) (\(Quoted.text(configuration.routes[other].name))), "
                    + "whose rules would not apply: nothing is matched again behind a rewrite",
                at: ConfigurationPath.route(index)["rewrite"], severity: .warning)
        }
    }

    private func routeLedPast(by route: RouteConfiguration, _ reach: Reach) -> Int? {
        for cluster in route.reachedClusters {
            for paths in pathsOfClusters[cluster] ?? [] {
                let other = configuration.routes[paths.route]
                let isAbove = !paths.isWhole && reach.beginning.hasPrefix("\(paths.beginning)/")
                if reach.takes(paths.beginning) || isAbove, route.mayCall(sameHostAs: other),
                    !route.access.isAsStrict(as: other.access)
                {
                    return paths.route
                }
            }
        }
        return nil
    }
}

extension RouteConfiguration {
    fileprivate var sentPaths: [(beginning: String, isWhole: Bool)] {
        guard action == .cluster else { return [] }
        switch rewrite.path {
        case .whole(let path): return [(String(decoding: path, as: UTF8.self), true)]
        // Whose own checks say what it leads past.
        case .prefix, .groups: return []
        case nil: break
        }
        return match.targets.compactMap { target in
            switch target {
            case .any: ("", false)
            case .path(let path): (path, true)
            case .prefix(let path): (String(path.dropLast()), false)
            case .subtree(let path): (path, false)
            // Most expressions begin with what they are about.
            case .regex(let expression): expression.commonPrefix.count > 1 ? (expression.commonPrefix.withoutSlash, false) : nil
            case .service, .services: nil
            }
        }
    }

    /// Backends may tell hosts apart.
    fileprivate func mayCall(sameHostAs other: RouteConfiguration) -> Bool {
        guard rewrite.authority == .caller, other.rewrite.authority == .caller else { return true }
        return match.authorities.contains(where: other.match.covers) || other.match.authorities.contains(where: match.covers)
    }
}

extension AccessRules {
    /// In shadow it is as if not written.
    fileprivate var enforcedAllow: AccessRule { allow.flatMap { $0.mode == .enforce ? $0.rule : nil } ?? .authenticated }
    fileprivate var enforcedDeny: AccessRule? { deny.flatMap { $0.mode == .enforce ? $0.rule : nil } }

    fileprivate var admitsEveryone: Bool { enforcedAllow == .anyone && enforcedDeny == nil }

    /// Whether it certainly admits no more callers than `other` does.
    fileprivate func isAsStrict(as other: AccessRules) -> Bool {
        let deniesAsMuch = other.enforcedDeny == nil || other.enforcedDeny == enforcedDeny
        let allowsNoMore =
            other.enforcedAllow == enforcedAllow || other.enforcedAllow == .anyone
            || other.enforcedAllow == .authenticated && !enforcedAllow.admitsUnauthenticated
        return deniesAsMuch && allowsNoMore
    }
}

extension String {
    fileprivate var withoutSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}
