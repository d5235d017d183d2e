import Config
import GatewayModelTesting
import Testing

@testable import GatewayChecks
@testable import GatewayModel

@Suite struct ConfigurationValueTests {
    @Test("configurations are equal that say the same in other places and other words")
    func equality() throws {
        let first = readConfiguration(
            """
            listeners: [{ address: 127.0.0.1:80 }]
            clusters: { a: { endpoints: 10.0.0.1:80 } }
            routes: [{ service: x.Y, cluster: a, allow: anyone, limits: 5/s per address, retry: off }]
            """, without: ["authentication"])
        let second = readConfiguration(
            """
            # With more lines.
            clusters:
              a:
                endpoints:
                  - address: 10.0.0.1:80
            routes:
              - service: x.Y
                cluster: a
                allow: anyone
                limits:
                  - { count: 5, per: s, key: address }
                retry: off
            listeners:
              - address: 127.0.0.1:80
            """, without: ["authentication"])
        #expect(first.report == "" && second.report == "")
        #expect(try #require(first.value) == (try #require(second.value)))
    }

    @Test("a configuration that no text says is checked like one that was read, and its mistakes are told by their paths")
    func withoutText() throws {
        let reading = GatewayConfiguration.draft(
            text: """
                listeners: [{ name: a, address: 127.0.0.1:80 }, { name: a, address: 127.0.0.1:81 }]
                clusters: { orders: { endpoints: 10.0.0.1:80, load_balancing: { policy: maglev, hash: [tenant] } }, spare: { endpoints: h:1 } }
                routes:
                  - { service: x.Y, cluster: ordesr }
                  - { service: x.Y, cluster: orders, methods: { Do: { limits: [1/s per tenant], retry: { on: [unavailable] } } } }
                """, file: "x.yaml", environment: { _ in nil }, readFile: { _ in .failure(FileFailure("none")) })
        let findings = Findings(.none)
        CrossChecks(try #require(reading.value), findings).run()
        let messages = Set(findings.issues.map { "\($0)" })
        #expect(messages.count == 7 && reading.issues.count == 7)
        for issue in reading.issues {
            let message = "\(issue)".split(separator: " ", maxSplits: 1)[1]
            #expect(messages.contains(String(message)), "\(message)")
        }
    }
}
