import Config
import Testing
import Time

@testable import Control

@Suite struct ConfigurationCheckTests {
    /// Files that are there hold nothing of use.
    private func check(_ text: String, files: Set<String> = []) -> ConfigurationCheck {
        ConfigurationCheck(
            text: text, file: "x.yaml", environment: { _ in nil }, readText: { _ in .failure(FileFailure("no such file")) },
            readFile: { files.contains($0) ? .success(Array("not PEM".utf8)) : .failure(FileFailure("no such file")) }, now: .now())
    }

    @Test("a mistake in the text does not keep the files from being looked at, and all are told in the order of the file")
    func everything() {
        let told = check(
            """
            workers: many
            access_log: /nonexistent/access.log
            listeners:
              - address: nowhere
                tls: { certificate: own.pem, private_key: own.key, client_ca: callers.pem }
              - { name: socket, address: unix:/nonexistent/martlet.sock }
            authentication:
              issuers: [{ issuer: i, jwks: keys.json }]
            rate_limits: { store: rediss://127.0.0.1, tls: { ca: redis.pem } }
            clusters:
              orders: { endpoints: [], tls: { ca: ca.pem, certificate: c.pem, private_key: c.key } }
            routes: [{ cluster: order }]
            """)
        #expect(told.kind == .gateway)
        let places = told.issues.map { "\($0.place.line):\($0.place.column)" }
        #expect(
            places == [
                "1:10", "2:13", "4:14", "5:25", "5:47", "5:67", "6:30", "8:13", "8:32", "9:54", "11:24", "11:39", "11:60", "11:80",
                "12:21",
            ], "\(told.issues.report)")
        let text = told.issues.report
        for name in ["own.pem", "own.key", "callers.pem", "keys.json", "redis.pem", "ca.pem", "c.pem", "c.key"] {
            #expect(text.contains("found \"\(name)\", which cannot be read: no such file"), "\(text)")
        }
        #expect(text.contains("found \"/nonexistent/access.log\", whose folder cannot be opened: No such file or directory"))
        #expect(text.contains("found \"/nonexistent/martlet.sock\", whose folder cannot be opened: No such file or directory"))
    }

    @Test("a file that is there and of no use is told at its key too")
    func uselessFiles() {
        let told = check(
            "workers: many\nlisteners: [{ address: 127.0.0.1:0, tls: { certificate: own.pem, private_key: own.key } }]\n",
            files: ["own.pem", "own.key"])
        #expect(told.issues.contains { $0.place.path == "listeners[0].tls.certificate" }, "\(told.issues.report)")
    }

    @Test("a configuration whose text stops YAML says only that, once")
    func noYAML() {
        #expect(check("a: [\n").issues.count == 1)
        #expect(check("domains: [\n").issues.count == 1)
    }

    @Test(
        "the rate-limit service's rules are read as such",
        arguments: [
            "domains: [{ domain: a }]\nlisteners: [{ address: 127.0.0.1:0 }]\n",
            "domain: a\ndescriptors: []\nlisteners: [{ address: 127.0.0.1:0 }]\n",
        ])
    func limitService(text: String) {
        let told = check(text)
        #expect(told.kind == .rateLimitService && told.issues.isEmpty, "\(told.issues.report)")
    }

    @Test("mistakes in rules and in the files beside them are told together")
    func limitServiceMistakes() {
        let told = check(
            """
            listeners: [{ address: unix:/nonexistent/x.sock, tls: { certificate: own.pem, private_key: own.key } }]
            rate_limits: { store: rediss://127.0.0.1, tls: { ca: redis.pem } }
            domains: [{ domain: a, descriptors: [{ key: k, rate_limit: { unit: fortnight, requests_per_unit: 1 } }] }]
            """)
        #expect(told.kind == .rateLimitService)
        #expect(
            told.issues.map { "\($0.place.line):\($0.place.column)" } == ["1:24", "1:70", "1:92", "2:54", "3:68"],
            "\(told.issues.report)")
    }

    @Test("routes make a gateway of it, whatever else is there")
    func domainsInAGateway() {
        let told = check("domains: []\nroutes: []\n")
        #expect(told.kind == .gateway && told.issues.report.contains("domains: unknown key"))
    }

    @Test("the pipeline has a line for each route and method, in the one order of filters")
    func pipeline() {
        let good = check(
            """
            listeners: [{ address: 127.0.0.1:0 }]
            clusters: { orders: { endpoints: ["127.0.0.1:1"] } }
            routes:
              - { name: health, path: /healthz, respond: { body: ok }, allow: anyone }
              - name: orders
                service: acme.Orders
                cluster: orders
                allow: anyone
                cors: { origins: ["https://a.dev"] }
                methods: { Create: { limits: [10/s], response_headers: { set: { x-a: b } } } }
            """)
        #expect(good.issues.isEmpty, "\(good.issues.report)")
        let plain = "cors (pages of https://a.dev, without cookies), protocols, admission, converter, deadline, servable"
        #expect(
            good.pipelines.map(\.text) == [
                "health: protocols, admission, deadline, direct answer",
                "orders: \(plain), cluster orders",
                "orders / Create: \(plain), limits, rewrite and header changes, cluster orders",
            ])
        #expect(check("routes: []").pipelines.isEmpty)
    }
}
