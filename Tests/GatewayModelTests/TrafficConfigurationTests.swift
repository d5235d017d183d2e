import Config
import GRPC
import GatewayModelTesting
import Testing

@testable import GatewayModel

@Suite("Traffic shaping as it is written")
struct TrafficConfigurationTests {
    @Test("every key of it")
    func everyKey() throws {
        let (read, report) = readConfiguration(
            """
            overload: { connections: 50_000, calls: 20_000, memory: 2GiB }
            clusters:
              stable: { endpoints: [10.0.0.1:80] }
              canary: { endpoints: [10.0.0.2:80] }
              shadow: { endpoints: [10.0.0.3:80] }
            routes:
              - path: /a
                priority: low
                clusters: { stable: 99, canary: 1 }
                sticky: [header X-User, tenant, address]
                mirror: { cluster: shadow, fraction: 0.5% }
                fault:
                  delay: { duration: 200ms, fraction: 10% }
                  abort: { grpc_status: unavailable, http_status: 504, fraction: 0.0001% }
              - { path: /b, cluster: stable, mirror: { cluster: canary }, fault: { abort: { http_status: 429 } } }
              - { path: /c, cluster: stable, fault: { abort: { grpc_status: not_found } } }
            """)
        #expect(report == "")
        let configuration = try #require(read)
        #expect(configuration.overload == OverloadConfiguration(connections: 50_000, calls: 20_000, memory: 2 << 30))
        let routes = configuration.routes
        #expect(routes.map(\.priority) == [.low, .default, .default])
        #expect(routes[0].clusters == ["stable", "canary"] && routes[0].traffic.split.map(\.weight) == [99, 1])
        #expect(routes[0].traffic.sticky == [.header("x-user"), .tenant, .address])
        #expect(routes[0].traffic.mirror?.fraction.millionths == 5000)
        let fault = try #require(routes[0].traffic.fault)
        #expect(fault.delay == .init(duration: .milliseconds(200), fraction: Fraction(millionths: 100_000)))
        #expect(fault.abort == .init(status: .unavailable, httpStatus: 504, fraction: Fraction(millionths: 1)))
        #expect(routes[1].clusters == ["stable"] && routes[1].traffic.mirror?.fraction == .all)
        // One follows from the other.
        #expect(routes[1].traffic.fault?.abort == .init(status: .unavailable, httpStatus: 429, fraction: .all))
        #expect(routes[2].traffic.fault?.abort == .init(status: .notFound, httpStatus: 404, fraction: .all))
    }

    @Test("faults that headers may ask for")
    func requestedFaults() throws {
        let (read, report) = readConfiguration(
            """
            trusted_proxies: [10.0.0.0/8]
            routes:
              - { path: /a, cluster: orders, fault: { delay: { header: true, maximum: 10s, fraction: 20% }, abort: { header: true } } }
              - { path: /b, cluster: orders, fault: { delay: { header: false, duration: 1s } } }
            """)
        #expect(report == "")
        let faults = try #require(read?.routes.map(\.traffic.fault))
        #expect(
            faults[0]?.delay == .init(duration: .seconds(10), fraction: Fraction(millionths: 200_000), isByHeader: true))
        #expect(faults[0]?.abort?.isByHeader == true && faults[0]?.abort?.fraction == .all && faults[0]?.isByHeader == true)
        #expect(faults[1]?.delay == .init(duration: .seconds(1), fraction: .all) && faults[1]?.isByHeader == false)
    }

    @Test("what serves calls that reach no endpoint; an outage is a 503 unless that is said")
    func fallbacks() throws {
        let (read, report) = readConfiguration(
            """
            clusters: { a: { endpoints: [10.0.0.1:80] }, b: { endpoints: [10.0.0.2:80] } }
            routes:
              - { path: /a, cluster: a, fallback: { cluster: b } }
              - { path: /b, cluster: a, fallback: { respond: { body: soon } } }
              - { path: /c, cluster: a, fallback: { respond: { status: 200, body: "{}", content_type: application/json } } }
              - { path: /d, cluster: a, fallback: { respond: {} } }
              - { path: /e, cluster: a }
            """)
        #expect(report == "")
        func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
        #expect(
            read?.routes.map(\.fallback) == [
                .cluster("b"),
                .respond(RespondConfiguration(status: 503, body: bytes("soon"), contentType: bytes("text/plain; charset=utf-8"))),
                .respond(RespondConfiguration(status: 200, body: bytes("{}"), contentType: bytes("application/json"))),
                .respond(RespondConfiguration(status: 503, body: [], contentType: [])), nil,
            ])
    }

    @Test("a fraction takes its share of all numbers", arguments: [(0, 0), (1, 1), (500_000, 500_000), (1_000_000, 1_000_000)])
    func fraction(millionths: UInt32, expected: Int) {
        let fraction = Fraction(millionths: millionths)
        let step = UInt64.max / 1_000_000 + 1
        let taken = (0..<UInt64(1_000_000)).count { fraction.takes($0 &* step) }
        #expect(abs(taken - expected) <= 1)
    }
}
