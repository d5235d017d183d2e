import Testing
import Time

@testable import Balancing

@Suite("Endpoints out of step")
struct OutlierTests {
    let start = Instant(nanoseconds: 1_000_000_000_000)

    private func record(_ count: Int, _ change: (inout OutlierSettings) -> Void = { _ in }) -> (ClusterRecord, [EndpointRecord]) {
        var guards = GuardSettings()
        var outliers = OutlierSettings()
        change(&outliers)
        guards.outliers = outliers
        let cluster = ClusterRecord("c", guards)
        return (cluster, (0..<count).map { cluster.retain("e\($0)") })
    }

    private func samples(_ failed: [Int], of calls: Int = 100) -> [OutlierSweep.Sample] {
        failed.map { OutlierSweep.Sample(succeeded: calls - $0, failed: $0) }
    }

    @Test("a success rate 1.9 standard deviations below the mean is out of step, the worst first")
    func successRate() {
        let settings = OutlierSettings()
        #expect(OutlierSweep.outliers(samples([0, 0, 0, 0, 50]), settings) == [4])
        #expect(OutlierSweep.outliers(samples([1, 2, 3, 2, 1]), settings) == [])
        #expect(OutlierSweep.outliers(samples([50, 50, 50, 50, 50]), settings) == [], "all alike")
        #expect(OutlierSweep.outliers(samples([0, 0, 0, 50]), settings) == [], "fewer than five")
        #expect(OutlierSweep.outliers(samples([0, 0, 0, 0, 50], of: 99), settings) == [], "fewer than a hundred calls each")
        #expect(OutlierSweep.outliers(samples([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 70]), settings) == [11, 10])
    }

    @Test("a share of failures at the threshold is out of step, where it is asked for")
    func failureShare() {
        var settings = OutlierSettings()
        settings.judgesSuccessRate = false
        #expect(OutlierSweep.outliers(samples([0, 0, 0, 0, 100]), settings) == [])
        settings.failurePercent = 85
        #expect(OutlierSweep.outliers(samples([84, 85, 86, 0, 100]), settings) == [4, 2, 1])
        #expect(OutlierSweep.outliers(samples([84, 85, 86, 100]), settings) == [], "fewer than five")
        #expect(OutlierSweep.outliers(samples([49, 49, 49, 49, 49], of: 49), settings) == [], "fewer than fifty calls each")
    }

    @Test("failures in a row count by their kind, and a success ends the row")
    func inARow() {
        let (cluster, endpoints) = record(10) {
            $0.consecutiveFailures = 5
            $0.consecutiveGatewayFailures = 3
            $0.consecutiveLocalFailures = 2
        }
        func fails(_ endpoint: Int, _ outcomes: [AttemptOutcome]) -> Int? {
            outcomes.firstIndex { cluster.record($0, of: endpoints[endpoint], began: start, now: start) }
        }
        #expect(fails(0, [.failure, .failure, .success, .failure, .failure, .failure, .failure, .failure]) == 7)
        #expect(fails(1, [.failure, .failure, .failure, .failure, .success]) == nil)
        #expect(endpoints.map(\.isEjected).count { $0 } == 1)
        // One out of ten is as many as may be: the others stay whatever they do.
        #expect(fails(2, [.gatewayFailure, .gatewayFailure, .gatewayFailure]) == nil)
        let (other, more) = record(20) { $0.consecutiveGatewayFailures = 3 }
        #expect(
            [.gatewayFailure, .localFailure, .gatewayFailure].firstIndex {
                other.record($0, of: more[0], began: start, now: start)
            } == 2)
        #expect(
            [.gatewayFailure, .failure, .gatewayFailure].firstIndex {
                other.record($0, of: more[1], began: start, now: start)
            } == nil)
    }

    @Test("each ejection in a row is longer, up to the maximum, and shorter again for each interval without")
    func times() {
        let (cluster, endpoints) = record(1) {
            $0.baseEjectionTime = .seconds(30)
            $0.maxEjectionTime = .seconds(80)
        }
        var now = start
        func eject() { for _ in 0..<5 { _ = cluster.record(.failure, of: endpoints[0], began: now, now: now) } }
        for seconds in [30, 60, 80, 80] {
            eject()
            #expect(endpoints[0].isEjected && !endpoints[0].isHealthy)
            now = now + .seconds(seconds) + .milliseconds(-1)
            #expect(!cluster.sweep(now: now) && endpoints[0].isEjected)
            now = now + .milliseconds(1)
            #expect(cluster.sweep(now: now) && !endpoints[0].isEjected)
        }
        for _ in 0..<3 { #expect(!cluster.sweep(now: now)) }
        eject()
        #expect(!cluster.sweep(now: now + .seconds(59)))
        #expect(cluster.sweep(now: now + .seconds(60)))
    }

    @Test("a sweep compares what came in its own interval, and puts no more aside than may be")
    func sweeps() {
        let (cluster, endpoints) = record(10) {
            $0.consecutiveFailures = 0
            $0.maxEjectionPercent = 10
        }
        func calls(_ failed: [Int]) {
            for (endpoint, failures) in zip(endpoints, failed) {
                for index in 0..<100 {
                    _ = cluster.record(index < failures ? .failure : .success, of: endpoint, began: start, now: start)
                }
            }
        }
        calls([0, 0, 0, 0, 0, 0, 0, 0, 90, 80])
        #expect(cluster.sweep(now: start))
        #expect(endpoints.filter(\.isEjected).map(\.name) == ["e8"])
        #expect(!cluster.sweep(now: start), "nothing has come since")
    }

    @Test("endpoints that nobody has any more do not count, and one that comes back is known while anybody has it")
    func users() {
        let (cluster, endpoints) = record(2)
        #expect(cluster.retain("e0") === endpoints[0])
        cluster.release(endpoints[0])
        #expect(cluster.records.count == 2)
        cluster.release(endpoints[0])
        cluster.release(endpoints[0])
        #expect(cluster.records.map(\.name) == ["e1"])
        #expect(cluster.retain("e0") !== endpoints[0])
    }

    @Test("a registry gives the same record for the same settings only")
    func registry() {
        let registry = ClusterRegistry()
        var guards = GuardSettings()
        let one = registry.record("a", guards)
        #expect(registry.record("a", guards) === one && registry.record("b", guards) !== one)
        guards.limits = .defaults
        #expect(registry.record("a", guards) !== one && registry.record("a", GuardSettings()) === one)
    }

    @Test("the first check decides alone; then it takes as many in a row as are asked for")
    func thresholds() {
        var threshold = HealthThreshold(healthy: 2, unhealthy: 3)
        let seen = [true, false, false, true, false, false, false, true, false, true, true].map { threshold.record(isPassed: $0) }
        #expect(seen == [true, true, true, true, true, true, false, false, false, false, true])
        threshold.set(false)
        let recovering = [true, true].map { threshold.record(isPassed: $0) }
        #expect(recovering == [false, true])
        var other = HealthThreshold(healthy: 2, unhealthy: 3)
        let first = other.record(isPassed: false)
        #expect(!first)
    }
}
