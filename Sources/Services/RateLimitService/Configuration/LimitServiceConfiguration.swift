package import Config
package import RateLimit
package import Transport

/// What limits.yaml says: where `martlet ratelimit` listens and counts, and envoyproxy/ratelimit's rules.
package struct LimitServiceConfiguration: Sendable, Equatable {
    /// `nil` for `auto`: one for each core that this process may run on.
    package var workers: Int?
    package var drain: DrainConfiguration
    package var admin: NetworkAddress
    package var listeners: [ListenerConfiguration]
    /// Memory or Redis; never another service.
    package var rateLimits: StoreConfiguration
    /// No two with one name.
    package var domains: [LimitDomain]
}

/// The rules for one `domain` of requests.
package struct LimitDomain: Sendable, Equatable {
    package var name: String
    /// Whether the limits of a request are charged together or none of them, or each for itself also beyond its limit, as
    /// envoyproxy/ratelimit does.
    package var charging = LimitRequest.Charging.allOrNone
    package var descriptors: [LimitDescriptor]
}

/// One node in a domain's tree of rules: matches one entry of a request's descriptor, at its depth.
package struct LimitDescriptor: Sendable, Equatable {
    package var key: String
    /// `nil` for every value of the key; may hold `*`, any number of them, each for any text.
    package var value: String?
    /// `nil` where nothing is counted at this depth: then the answer is OK without a limit.
    package var limit: ServiceLimit?
    /// Counted and logged, never enforced.
    package var isShadow: Bool
    /// Rules for the next entry; no two with one key and value.
    package var descriptors: [LimitDescriptor]
}

/// `rate_limit` of a descriptor.
package struct ServiceLimit: Sendable, Equatable {
    package enum Amount: Sendable, Equatable {
        /// Zero refuses every request.
        case requests(UInt32, per: Unit)
        /// Always OK, and nothing is counted.
        case unlimited
    }

    /// Fixed windows, aligned to the epoch.
    package enum Unit: String, CaseIterable, Sendable {
        case second, minute, hour, day, week, month, year

        /// A month has 30 days and a year 365, as in envoyproxy/ratelimit.
        package var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            case .week: 7 * 86_400
            case .month: 30 * 86_400
            case .year: 365 * 86_400
            }
        }
    }

    package var amount: Amount
    /// For answers, and for other limits to replace this one by.
    package var name: String?
    /// Limits that do not count for a request for which this one was found.
    package var replaces: [String]
}

extension LimitServiceConfiguration {
    /// Reads and checks limits.yaml.
    package static func read(
        text: String, file: String, environment: @escaping (String) -> String?,
        readFile: @escaping (String) -> Result<String, FileFailure>
    ) -> ConfigurationReading<LimitServiceConfiguration> {
        draft(text: text, file: file, environment: environment, readFile: readFile).whole
    }

    /// What could be read of limits.yaml, for further checks: with an error among the issues, what was
    /// wrong is left out, and nothing may be served from it.
    package static func draft(
        text: String, file: String, environment: @escaping (String) -> String?,
        readFile: @escaping (String) -> Result<String, FileFailure>
    ) -> ConfigurationReading<LimitServiceConfiguration> {
        let reader = Reader(text, file: file, surroundings: Surroundings(environment: environment, readFile: readFile))
        let configuration = reader.root.flatMap { reader.section($0, Self.read) }
        let findings = Findings(reader.places)
        configuration?.check(findings)
        return ConfigurationReading(configuration, findings.places, (reader.issues + findings.issues).inOrder)
    }

    /// Whether a text means to be limits.yaml and not martlet.yaml: it has domains, and no routes or clusters.
    package static func isMeant(by text: String, file: String) -> Bool {
        guard let root = Reader(text, file: file, surroundings: Surroundings()).root else { return false }
        return ["domains", "domain", "descriptors"].contains(where: root.has)
            && !["routes", "clusters", "authentication"].contains(where: root.has)
    }

    private static func read(_ section: Section) -> LimitServiceConfiguration? {
        let workers = section.value("workers", .workers, default: nil)
        let drain = section.value("drain", .drain, default: .defaults)
        let admin = AdminSection.read(in: section)
        let listeners = section.required("listeners", .listeners)
        let rateLimits = NamedStores.readWithUse(in: section)
        let domains = readDomains(section)
        return LimitServiceConfiguration(
            workers: workers, drain: drain, admin: admin, listeners: listeners ?? [], rateLimits: rateLimits, domains: domains)
    }

    private func check(_ findings: Findings) {
        if case .service = rateLimits.store {
            findings.report(
                "found a rate-limit service, expected memory or redis: this is one", at: ConfigurationPath("rate_limits")["store"])
        }
        for (index, listener) in listeners.enumerated() where listener.protocols != nil {
            findings.report(
                "found in a rate-limit service, which speaks gRPC alone", at: ConfigurationPath.listener(index)["protocols"])
        }
        ListenerConfiguration.check(listeners, admin: admin, findings)
        var seen: Set<String> = []
        for (index, domain) in domains.enumerated() where !seen.insert(domain.name).inserted {
            findings.report(
                "found \(Quoted.text(domain.name)) twice, expected each domain once",
                at: ConfigurationPath("domains")[index]["domain"])
        }
    }

    /// Several under `domains`, or one at the root, so that a file written for envoyproxy/ratelimit needs only `listeners`.
    private static func readDomains(_ section: Section) -> [LimitDomain] {
        let several = section.optional("domains", .list(of: .limitDomain))
        guard section.has("domain") || section.has("descriptors") else {
            if !section.has("domains") {
                let expected = Grammar.list(of: Grammar<LimitDomain>.limitDomain).expected
                section.report("the key \"domains\" is missing, expected \(expected)")
            }
            return several ?? []
        }
        section.exclude("domains", with: "domain")
        section.exclude("domains", with: "descriptors")
        return LimitDomain(in: section).map { [$0] } ?? []
    }
}
