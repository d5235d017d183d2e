internal import Config
internal import GatewayModel
internal import LimitRules
internal import RateLimit
internal import Time
internal import Transport

extension FileOpener {
    /// Where the system keeps tzdata. An image without it can have no limits with a time zone.
    private static let folder = "/usr/share/zoneinfo/"

    /// The time zones that limits name; each is read once.
    mutating func timeZones(of configuration: GatewayConfiguration) -> [String: ZoneOffsets] {
        var zones: [String: ZoneOffsets] = [:]
        // UTC is known without a file.
        for (name, path) in configuration.timeZones where name != "UTC" && zones[name] == nil {
            guard let text = bytes(Self.folder + name, at: path) else { continue }
            if let zone = ZoneOffsets(tzif: text) {
                zones[name] = zone
            } else {
                report("found \(Quoted.text(name)), and in \(Self.folder) no time zone of that name", at: path)
            }
        }
        return zones
    }
}

extension GatewayConfiguration {
    /// By name, each with its place.
    fileprivate var timeZones: [(name: String, path: ConfigurationPath)] {
        func named(_ limits: [LimitConfiguration], at path: ConfigurationPath) -> [(name: String, path: ConfigurationPath)] {
            limits.enumerated().compactMap { index, limit in
                limit.rule.timeZone.map { ($0, path["limits"][index]["time_zone"]) }
            }
        }
        return plans.flatMap { named($0.limits, at: .plan($0.name)) }
            + routes.enumerated().flatMap { index, route in
                named(route.limits, at: .route(index))
                    + route.methods.flatMap { named($0.limits, at: ConfigurationPath.route(index).method($0.name)) }
            }
    }
}
