import GatewayModel
import GatewayModelTesting
import Matching
import Testing

@testable import Snapshots

@Suite struct CORSPolicyTests {
    /// The policy of a route with this `cors`, and what was reported.
    static func policy(_ cors: String, files: [String: ValueList] = [:]) -> (policy: CORSPolicy?, report: String) {
        let (value, report) = readConfiguration(
            """
            listeners: [{ address: 127.0.0.1:80 }]
            clusters: { web: { endpoints: [10.0.0.1:80], protocol: http1 } }
            routes: [{ cluster: web, allow: anyone, cors: \(cors) }]
            """)
        return (value?.routes.first?.cors.map { CORSPolicy($0, files: files) }, report)
    }

    @Test(
        "origins are matched as other values are, with * for the labels below a domain, for the port, and for all",
        arguments: [
            (
                "https://app.acme.dev", ["https://app.acme.dev"],
                ["http://app.acme.dev", "https://app.acme.dev:8443", "https://app.acme.dev.x"]
            ),
            (
                "'https://*.acme.dev'", ["https://a.acme.dev", "https://b.a.acme.dev"],
                ["https://acme.dev", "https://xacme.dev", "https://a.acme.dev:1", "https://a.acmexdev"]
            ),
            (
                "'http://localhost:*'", ["http://localhost", "http://localhost:3000"],
                ["http://localhost:", "http://localhost:x", "http://localhost:3000.x", "http://localhosts"]
            ),
            ("'https://*.acme.dev:*'", ["https://a.acme.dev", "https://a.acme.dev:8443"], ["https://acme.dev:8443"]),
            ("'http://[::1]:*'", ["http://[::1]:80", "http://[::1]"], ["http://[::2]", "http://::1"]),
            ("'*'", ["https://a.b", "http://c"], ["null"]),
            ("['*', 'null']", ["https://a.b", "null"], []),
            ("{ exact: null }", ["null"], ["https://null", ""]),
            ("{ regex: '.*' }", ["https://a.b"], ["null"]),
            (
                "[{ suffix: .acme.dev }, { prefix: 'http://localhost:' }]", ["https://a.acme.dev", "http://localhost:3000"],
                ["https://acme.dev", "https://localhost:3000"]
            ),
            ("{ file: origins.txt }", ["https://one.dev"], ["https://two.dev", "null"]),
        ] as [(String, [String], [String])])
    func origins(text: String, taken: [String], refused: [String]) throws {
        let list = try #require(ValueList(Array("https://one.dev\nnull\n".utf8)))
        let made = Self.policy("{ origins: \(text) }", files: ["origins.txt": list])
        let policy = try #require(made.policy, "\(made.report)")
        func allows(_ origin: String) -> Bool { Array(origin.utf8).withUnsafeBytes { policy.allows($0) } }
        for origin in taken { #expect(allows(origin), "\(origin)") }
        for origin in refused { #expect(!allows(origin), "\(origin)") }
    }

    @Test(
        "what it lets in is told in words",
        arguments: [
            (
                "{ origins: ['https://*.acme.dev', 'http://localhost:*', 'null'] }",
                "pages of https://*.acme.dev, http://localhost:*, null, without cookies"
            ),
            (
                "{ origins: '*', credentials: any_origin, headers: '*' }",
                "pages of any origin, with cookies, with any request header"
            ),
            (
                "{ origins: [{ suffix: .a.dev }, { file: o.txt }, { regex: 'https://[ab][.]dev' }], credentials: true }",
                "pages of origins that end in .a.dev, the origins in o.txt, origins that match https://[ab][.]dev, with cookies"
            ),
        ])
    func explanation(text: String, expected: String) throws {
        let made = Self.policy(text)
        #expect(try #require(made.policy, "\(made.report)").explanation == expected)
    }
}
