/// When an endpoint is out of step with the others, and for how long it then gets no calls. Names and defaults are Envoy's.
package struct OutlierSettings: Sendable, Equatable {
    /// Failures in a row; zero for never, as everywhere here.
    package var consecutiveFailures = 5
    package var consecutiveGatewayFailures = 0
    package var consecutiveLocalFailures = 0

    package var interval = Duration.seconds(10)
    package var baseEjectionTime = Duration.seconds(30)
    package var maxEjectionTime = Duration.seconds(300)
    /// Of a hundred endpoints; one always may be.
    package var maxEjectionPercent = 10

    /// Whether whose rate of success is far below the others' is ejected.
    package var judgesSuccessRate = true
    /// Endpoints with enough calls in an interval, for a comparison between them.
    package var successRateHostsMin = 5
    package var successRateCallsMin = 100
    /// How many standard deviations below the mean, in thousandths.
    package var successRateDeviationThousandths = 1900

    /// Failures of a hundred calls in an interval; zero for never.
    package var failurePercent = 0
    package var failurePercentHostsMin = 5
    package var failurePercentCallsMin = 50

    package init() {}

    /// The nth ejection in a row: base × n, at most the maximum.
    package func ejectionTime(_ count: Int) -> Duration {
        min(baseEjectionTime * max(1, count), max(maxEjectionTime, baseEjectionTime))
    }
}

/// The comparison between endpoints at the end of an interval. Pure.
package enum OutlierSweep {
    package struct Sample: Sendable {
        package var succeeded: Int
        package var failed: Int
        var calls: Int { succeeded + failed }

        package init(succeeded: Int, failed: Int) {
            self.succeeded = succeeded
            self.failed = failed
        }
    }

    /// The indices of those that are out of step, the worst first.
    package static func outliers(_ samples: [Sample], _ settings: OutlierSettings) -> [Int] {
        var found = Set<Int>()
        if settings.judgesSuccessRate { found.formUnion(slow(samples, settings)) }
        if settings.failurePercent > 0 { found.formUnion(failing(samples, settings)) }
        func rate(_ index: Int) -> Double { Double(samples[index].succeeded) / Double(samples[index].calls) }
        return found.sorted { (rate($0), $0) < (rate($1), $1) }
    }

    private static func slow(_ samples: [Sample], _ settings: OutlierSettings) -> [Int] {
        let counted = samples.indices.filter { samples[$0].calls >= max(1, settings.successRateCallsMin) }
        guard counted.count >= max(1, settings.successRateHostsMin) else { return [] }
        let rates = counted.map { Double(samples[$0].succeeded) / Double(samples[$0].calls) }
        let mean = rates.reduce(0, +) / Double(rates.count)
        let variance = rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rates.count)
        let threshold = mean - variance.squareRoot() * Double(settings.successRateDeviationThousandths) / 1000
        return zip(counted, rates).filter { $0.1 < threshold }.map(\.0)
    }

    private static func failing(_ samples: [Sample], _ settings: OutlierSettings) -> [Int] {
        let counted = samples.indices.filter { samples[$0].calls >= max(1, settings.failurePercentCallsMin) }
        guard counted.count >= max(1, settings.failurePercentHostsMin) else { return [] }
        return counted.filter { samples[$0].failed * 100 >= settings.failurePercent * samples[$0].calls }
    }
}
