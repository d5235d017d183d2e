internal import Config

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

private enum KindName: String, CaseIterable { case grpc, http, tcp }
