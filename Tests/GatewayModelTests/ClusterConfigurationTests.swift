import Balancing
import Config
import GatewayModelTesting
import JOSE
import Testing

@testable import GatewayModel

@Suite("A cluster's configuration")
struct ClusterConfigurationTests {
    private func cluster(_ text: String) throws -> ClusterConfiguration {
        let (value, report) = readConfiguration("clusters:\n  orders:\n    endpoints: [10.0.0.1:80]\n" + text)
        #expect(report == "")
        return try #require(value?.clusters.first)
    }

    @Test("what guards a cluster is there only where it is asked for, then with Envoy's numbers")
    func defaults() throws {
        #expect(try cluster("").guards == GuardSettings() && cluster("").healthCheck == nil)
        let usual = try cluster("    circuit_breaker: { errors: {} }\n    outlier_detection: {}\n    health_check: grpc\n")
        #expect(usual.guards.limits == .defaults && usual.guards.highLimits == .defaults)
        #expect(usual.guards.errors == .defaults && usual.guards.endpointErrors == nil)
        #expect(usual.guards.outliers == OutlierSettings() && usual.guards.hasHealthCheck)
        #expect(usual.healthCheck == HealthCheckConfiguration(.grpc(service: "")))
    }

    @Test("every key")
    func everyKey() throws {
        let text = """
                locality: eu-1a
                load_balancing:
                  policy: ring_hash
                  hash: [header X-User, claim realm.sub, tenant, cookie sid, address]
                  minimum_ring_size: 2048
                  maximum_ring_size: 4096
                  panic_threshold: 30%
                health_check:
                  type: http
                  path: /healthz
                  interval: 5s
                  timeout: 500ms
                  healthy_threshold: 1
                  unhealthy_threshold: 2
                  jitter: 20%
                circuit_breaker:
                  connections: 10
                  pending: 20
                  requests: 30
                  retries: 0
                  high: { requests: 60 }
                  errors: { ratio: 10%, minimum_calls: 5, window: 1s, open: 2s, probes: 1 }
                  endpoint_errors: {}
                outlier_detection:
                  consecutive_5xx: off
                  consecutive_gateway_failure: 3
                  consecutive_local_origin_failure: 4
                  interval: 1s
                  base_ejection_time: 2s
                  max_ejection_time: 3s
                  max_ejection_percent: 50%
                  success_rate_minimum_hosts: 3
                  success_rate_request_volume: 10
                  success_rate_stdev_factor: 1500
                  failure_percentage_threshold: 80%
                  failure_percentage_minimum_hosts: 2
                  failure_percentage_request_volume: 20
            """
        let cluster = try cluster(text)
        #expect(cluster.locality == "eu-1a")
        #expect(
            cluster.balancing.settings
                == BalancingSettings(policy: .ringHash(entriesMin: 2048, entriesMax: 4096), panicPercent: 30))
        #expect(
            cluster.balancing.hash
                == [.header("x-user"), .claim(ClaimPath(names: ["realm", "sub"])!), .tenant, .cookie("sid"), .address])
        var check = HealthCheckConfiguration(.http(path: "/healthz"))
        (check.interval, check.timeout) = (.seconds(5), .milliseconds(500))
        (check.healthyThreshold, check.unhealthyThreshold, check.jitterPercent) = (1, 2, 20)
        #expect(cluster.healthCheck == check)
        let guards = cluster.guards
        #expect(guards.limits == CircuitLimits(connections: 10, pending: 20, requests: 30, retries: 0))
        #expect(guards.highLimits == CircuitLimits(connections: 10, pending: 20, requests: 60, retries: 0))
        #expect(
            guards.errors
                == BreakerSettings(failurePercent: 10, callsMin: 5, window: .seconds(1), openFor: .seconds(2), probes: 1))
        var outliers = OutlierSettings()
        (outliers.consecutiveFailures, outliers.consecutiveGatewayFailures, outliers.consecutiveLocalFailures) = (0, 3, 4)
        (outliers.interval, outliers.baseEjectionTime, outliers.maxEjectionTime) = (.seconds(1), .seconds(2), .seconds(3))
        outliers.maxEjectionPercent = 50
        (outliers.successRateHostsMin, outliers.successRateCallsMin) = (3, 10)
        outliers.successRateDeviationThousandths = 1500
        (outliers.failurePercent, outliers.failurePercentHostsMin, outliers.failurePercentCallsMin) = (80, 2, 20)
        #expect(guards.outliers == outliers)
    }

    @Test("endpoints have weight, priority and locality, and may be in a file")
    func endpoints() throws {
        let (value, report) = readConfiguration(
            """
            clusters:
              a: { locality: x, endpoints: [10.0.0.1:80, { address: "b.test:80", weight: 3, priority: 2, locality: x }] }
              b: { endpoints: { file: endpoints.yaml }, load_balancing: { policy: random, slow_start: { window: 30s, aggression: 1.5, minimum_weight: 20% } } }
            routes: [{ path: /a, cluster: a }, { cluster: b }]
            """)
        #expect(report == "")
        let clusters = try #require(value?.clusters)
        guard case .list(let list) = clusters[0].endpoints else { return #expect(Bool(false)) }
        #expect(list.map(\.weight) == [1, 3] && list.map(\.priority) == [0, 2] && list.map(\.locality) == [nil, "x"])
        guard case .file(let path) = clusters[1].endpoints else { return #expect(Bool(false)) }
        #expect(path == "endpoints.yaml")
        #expect(
            clusters[1].balancing.settings.slowStart == SlowStart(window: .seconds(30), aggression: 1.5, minimumPercent: 20))
    }

    @Test(
        "a file of endpoints is a list in YAML or JSON, and its mistakes have their places in it",
        arguments: [
            ("- 10.0.0.1:80\n- { address: \"b.test:80\", weight: 2 }\n", 2, ""),
            ("[\"10.0.0.1:80\", {\"address\": \"10.0.0.2:80\", \"priority\": 1}]", 2, ""),
            ("endpoints: [10.0.0.1:80]", 0, "e.yaml:1:1: found a mapping, expected a list, each an address such as"),
            ("- 10.0.0.1\n", 0, "e.yaml:1:3: [0]: found \"10.0.0.1\", expected an address such as"),
            ("- 10.0.0.1:80\n- 10.0.0.1:80\n", 2, "e.yaml:2:3: [1]: found \"10.0.0.1:80\" twice"),
            ("- { address: \"10.0.0.1:80\", weight: 0 }\n", 1, "e.yaml:1:37: [0].weight: found \"0\""),
            ("- [", 0, "e.yaml:2:1: not YAML"),
            ("", 0, "e.yaml:1:1: found an empty mapping, expected a list"),
        ])
    func file(text: String, count: Int, report: String) {
        let reading = EndpointsFile.read(text, file: "e.yaml")
        let issues = reading.issues
        #expect((reading.value ?? []).count == count)
        #expect(issues.isEmpty == report.isEmpty && issues.allSatisfy { "\($0)".hasPrefix(report) }, "\(issues)")
    }
}
