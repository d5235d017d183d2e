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
    package var answers = AnswerSettings()
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
    /// Refuses a request only together with all others of this kind that the request has.
    package var isQuota = false
    /// Metrics tell the values of all entries apart.
    package var isDetailed = false
    /// Metrics tell the values of this entry apart.
    package var hasValueInMetric = false
    /// What the pattern matches is counted together.
    package var sharesThreshold = false
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
    /// How many units a window has.
    package var multiplier = 1
    /// For answers, and for other limits to replace this one by.
    package var name: String?
    /// Limits that do not count for a request for which this one was found.
    package var replaces: [String]
}

extension ServiceLimit {
    /// So long a window may be, in seconds: ten years of 365 days.
    package static let windowSecondsMax = 3650 * 86_400
}

/// How requests are answered, whichever domain they are of.
package struct AnswerSettings: Sendable, Equatable {
    /// Names of the headers that answers add, where they do.
    package struct Headers: Sendable, Equatable {
        package var limit = "RateLimit-Limit"
        package var remaining = "RateLimit-Remaining"
        package var reset = "RateLimit-Reset"
    }

    package var headers: Headers?
    /// Metrics count hits above so much of a limit, in percent, as near it.
    package var nearPercent = 80
    /// No request is over its limit, whatever its descriptors are.
    package var isShadow = false

    package init() {}
}

extension LimitServiceConfiguration {
    /// Reads and checks limits.yaml.
    ///
    /// - Parameter listFolder: the files of rules below a folder; `nil` where it is none.
    package static func read(
        text: String, file: String, environment: @escaping (String) -> String?,
        readFile: @escaping (String) -> Result<String, FileFailure>,
        listFolder: @escaping (String) -> Result<[String], FileFailure>?
    ) -> ConfigurationReading<LimitServiceConfiguration> {
        draft(text: text, file: file, environment: environment, readFile: readFile, listFolder: listFolder).whole
    }

    /// What could be read of limits.yaml, for further checks: with an error among the issues, what was
    /// wrong is left out, and nothing may be served from it.
    package static func draft(
        text: String, file: String, environment: @escaping (String) -> String?,
        readFile: @escaping (String) -> Result<String, FileFailure>,
        listFolder: @escaping (String) -> Result<[String], FileFailure>?
    ) -> ConfigurationReading<LimitServiceConfiguration> {
        let reader = Reader(text, file: file, surroundings: Surroundings(environment: environment, readFile: readFile))
        let configuration = reader.root.flatMap { reader.section($0) { read($0, listFolder) } }
        let findings = Findings(reader.places)
        configuration?.check(findings)
        return ConfigurationReading(configuration, findings.places, (reader.issues + findings.issues).inOrder)
    }

    /// Whether a text means to be limits.yaml and not martlet.yaml: it has domains or files of them, and no routes or clusters.
    package static func isMeant(by text: String, file: String) -> Bool {
        guard let root = Reader(text, file: file, surroundings: Surroundings()).root else { return false }
        return ["domains", "domain", "descriptors", "rule_files"].contains(where: root.has)
            && !["routes", "clusters", "authentication"].contains(where: root.has)
    }

    private static func read(
        _ section: Section, _ listFolder: (String) -> Result<[String], FileFailure>?
    ) -> LimitServiceConfiguration? {
        let workers = section.value("workers", .workers, default: nil)
        let drain = section.value("drain", .drain, default: .defaults)
        let admin = AdminSection.read(in: section)
        let listeners = section.required("listeners", .listeners)
        let rateLimits = NamedStores.readWithUse(in: section)
        let answers = AnswerSettings(in: section)
        let domains = DomainReading(section, listFolder).domains
        return LimitServiceConfiguration(
            workers: workers, drain: drain, admin: admin, listeners: listeners ?? [], rateLimits: rateLimits, answers: answers,
            domains: domains)
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
    }
}
