internal import Balancing
internal import Config

extension Grammar where Value == CircuitConfiguration {
    static var circuitBreaker: Grammar {
        .section(expected: "a mapping, {} for the usual limits") { section in
            let limits = CircuitLimits(in: section, defaults: .defaults)
            let high = section.value("high", .section { CircuitLimits(in: $0, defaults: limits) }, default: limits)
            return CircuitConfiguration(
                limits: limits, highLimits: high, errors: section.optional("errors", .breaker),
                endpointErrors: section.optional("endpoint_errors", .breaker))
        }
    }
}

extension CircuitLimits {
    fileprivate init(in section: Section, defaults: CircuitLimits) {
        let range = Grammar<Int>.count(1...10_000_000)
        self.init(
            connections: section.value("connections", range, default: defaults.connections),
            pending: section.value("pending", range, default: defaults.pending),
            requests: section.value("requests", range, default: defaults.requests),
            retries: section.optional("retries", .count(0...10_000_000)) ?? defaults.retries)
    }
}

extension Grammar where Value == BreakerSettings {
    fileprivate static var breaker: Grammar {
        .section(expected: "a mapping, {} for the usual numbers") { section in
            let defaults = BreakerSettings.defaults
            let ratio = section.value("ratio", .percent, default: defaults.failurePercent)
            if section.has("ratio"), ratio == 0 { section.report("found \"0%\", expected at least 1%", about: "ratio") }
            return BreakerSettings(
                failurePercent: max(1, ratio),
                callsMin: section.value("minimum_calls", .count(1...1_000_000_000), default: defaults.callsMin),
                window: section.value("window", .timeout, default: defaults.window),
                openFor: section.value("open", .timeout, default: defaults.openFor),
                probes: section.value("probes", .count(1...1000), default: defaults.probes))
        }
    }
}

extension Grammar where Value == OutlierSettings {
    /// `outlier_detection`, in Envoy's names. What Envoy only watches for unless it is told to enforce it is off here.
    static var outlierDetection: Grammar {
        .section(expected: "a mapping, {} for the usual numbers") { section in
            var outliers = OutlierSettings()
            let count = Grammar<Int>.count(1...1_000_000)
            func inARow(_ key: String, _ usual: Int) -> Int {
                section.value(key, .word("off", or: count), default: usual) ?? 0
            }
            outliers.consecutiveFailures = inARow("consecutive_5xx", outliers.consecutiveFailures)
            outliers.consecutiveGatewayFailures = inARow("consecutive_gateway_failure", 0)
            outliers.consecutiveLocalFailures = inARow("consecutive_local_origin_failure", 0)
            outliers.interval = section.value("interval", .timeout, default: outliers.interval)
            outliers.baseEjectionTime = section.value("base_ejection_time", .timeout, default: outliers.baseEjectionTime)
            outliers.maxEjectionTime = section.value(
                "max_ejection_time", .timeout, default: max(outliers.maxEjectionTime, outliers.baseEjectionTime))
            outliers.maxEjectionPercent = section.value("max_ejection_percent", .percent, default: outliers.maxEjectionPercent)
            outliers.successRateHostsMin = section.value("success_rate_minimum_hosts", count, default: outliers.successRateHostsMin)
            outliers.successRateCallsMin = section.value(
                "success_rate_request_volume", count, default: outliers.successRateCallsMin)
            let deviation = section.value(
                "success_rate_stdev_factor", .word("off", or: count), default: outliers.successRateDeviationThousandths)
            outliers.judgesSuccessRate = deviation != nil
            outliers.successRateDeviationThousandths = deviation ?? 0
            outliers.failurePercent = section.value("failure_percentage_threshold", .word("off", or: .percent), default: nil) ?? 0
            outliers.failurePercentHostsMin = section.value(
                "failure_percentage_minimum_hosts", count, default: outliers.failurePercentHostsMin)
            outliers.failurePercentCallsMin = section.value(
                "failure_percentage_request_volume", count, default: outliers.failurePercentCallsMin)
            if outliers.maxEjectionTime < outliers.baseEjectionTime {
                section.report(
                    "found \(DurationText.text(outliers.maxEjectionTime)), expected at least base_ejection_time, "
                        + DurationText.text(outliers.baseEjectionTime),
                    about: "max_ejection_time")
            }
            return outliers
        }
    }
}
