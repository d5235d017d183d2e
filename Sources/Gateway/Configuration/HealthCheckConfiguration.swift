internal import Config

/// A cluster's `health_check`: its kind in a word, or a mapping.
package struct HealthCheckConfiguration: Sendable, Equatable {
    package var kind: Kind
    package var interval = Duration.seconds(10)
    /// For one check, from its connection on.
    package var timeout = Duration.seconds(1)
    /// Passed checks in a row that make an endpoint well again.
    package var healthyThreshold = 2
    /// Failed checks in a row that make it ill. The first check of all decides alone.
    package var unhealthyThreshold = 3
    /// Of an interval, by which it is longer at most.
    package var jitterPercent = 10

    package enum Kind: Sendable, Equatable {
        /// grpc.health.v1: Watch, or Check where the endpoint has no Watch.
        case grpc(service: String)
        /// GET over HTTP/2; 200 to 299 is well.
        case http(path: String)
        /// That it accepts a connection, and the handshake where there is TLS.
        case tcp
    }

    package init(_ kind: Kind) { self.kind = kind }
}

private enum KindName: String, CaseIterable { case grpc, http, tcp }

extension Grammar where Value == HealthCheckConfiguration {
    static var healthCheck: Grammar {
        let word = Grammar<KindName>.choice
        return Grammar(expected: "\(word.expected), or a mapping with type") { node, reader, expected in
            guard node.entries == nil else { return reader.section(node, expected: expected) { read($0) } }
            return word.read(node, reader).map { HealthCheckConfiguration(kind($0, service: "", path: "/")) }
        }
    }

    private static func kind(_ name: KindName, service: String, path: String) -> HealthCheckConfiguration.Kind {
        switch name {
        case .grpc: .grpc(service: service)
        case .http: .http(path: path)
        case .tcp: .tcp
        }
    }

    private static func read(_ section: Section) -> HealthCheckConfiguration? {
        let name = section.required("type", .choice) as KindName?
        let service = section.value("service", .text("the name of a service"), default: "")
        let path = section.value("path", .checkPath, default: "/")
        var check = HealthCheckConfiguration(.tcp)
        check.interval = section.value("interval", .timeout, default: check.interval)
        check.timeout = section.value("timeout", .timeout, default: check.timeout)
        let threshold = Grammar<Int>.count(1...1000)
        check.healthyThreshold = section.value("healthy_threshold", threshold, default: check.healthyThreshold)
        check.unhealthyThreshold = section.value("unhealthy_threshold", threshold, default: check.unhealthyThreshold)
        check.jitterPercent = section.value("jitter", .percent, default: check.jitterPercent)
        if check.timeout > check.interval {
            section.report(
                "found a timeout of \(DurationText.text(check.timeout)), longer than the interval, \(DurationText.text(check.interval)): "
                    + "endpoints that stay silent are checked more rarely",
                about: "timeout", severity: .warning)
        }
        guard let name else { return nil }
        for (key, owner) in [("service", KindName.grpc), ("path", .http)] where section.has(key) && owner != name {
            section.report("found with type \(name.rawValue), expected \(owner.rawValue)", about: key)
        }
        check.kind = kind(name, service: service, path: path)
        return check
    }
}

extension Grammar where Value == String {
    fileprivate static var checkPath: Grammar {
        Grammar(expected: "a path such as /healthz") { (text: String) in
            Reading(text.hasPrefix("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ? text : nil)
        }
    }
}
