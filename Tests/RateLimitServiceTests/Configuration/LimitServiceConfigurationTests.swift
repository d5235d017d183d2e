import Config
import RateLimit
import Testing
import Transport

@testable import RateLimitService

@Suite struct LimitServiceConfigurationTests {
    private func read(_ text: String) -> (value: LimitServiceConfiguration?, report: String) {
        let reading = LimitServiceConfiguration.read(
            text: text, file: "limits.yaml", environment: { _ in nil }, readFile: { _ in .failure(FileFailure("no such file")) })
        return (reading.value, reading.issues.report)
    }

    private func descriptor(
        _ key: String, _ value: String? = nil, _ amount: ServiceLimit.Amount? = nil, name: String? = nil,
        replaces: [String] = [], isShadow: Bool = false, _ descriptors: [LimitDescriptor] = []
    ) -> LimitDescriptor {
        LimitDescriptor(
            key: key, value: value, limit: amount.map { ServiceLimit(amount: $0, name: name, replaces: replaces) },
            isShadow: isShadow, descriptors: descriptors)
    }

    @Test("a file of envoyproxy/ratelimit with listeners in front is understood")
    func envoyFile() throws {
        let (value, report) = read(
            """
            listeners: [{ name: rls, address: 127.0.0.1:8081 }]
            domain: mongo_cps
            descriptors:
              - key: database
                value: users
                rate_limit:
                  unit: SECOND
                  requests_per_unit: 500
              - key: database
                value: default
                rate_limit: { unit: second, requests_per_unit: 0, name: base }
              - key: path
                value: /a/*
                shadow_mode: true
                rate_limit: { unlimited: true, name: free, replaces: [{ name: base }] }
                descriptors:
                  - { key: method, value: "", rate_limit: { unit: week, requests_per_unit: 4294967295 } }
              - key: database
            """)
        #expect(report == "")
        let configuration = try #require(value)
        #expect(configuration.rateLimits == .defaults && configuration.listeners.map(\.name) == ["rls"])
        #expect(
            configuration.domains == [
                LimitDomain(
                    name: "mongo_cps",
                    descriptors: [
                        descriptor("database", "users", .requests(500, per: .second)),
                        descriptor("database", "default", .requests(0, per: .second), name: "base"),
                        descriptor(
                            "path", "/a/*", .unlimited, name: "free", replaces: ["base"], isShadow: true,
                            [descriptor("method", nil, .requests(.max, per: .week))]),
                        descriptor("database"),
                    ])
            ])
    }

    @Test("several domains, a store and the rest")
    func severalDomains() throws {
        let (value, report) = read(
            """
            workers: 1
            drain: { timeout: 5s }
            admin: { address: 127.0.0.1:0 }
            listeners: [{ address: 127.0.0.1:0 }]
            rate_limits: { store: redis://127.0.0.1, timeout: 5s }
            domains: [{ domain: a }, { domain: b, descriptors: [{ key: k, rate_limit: { unit: year, requests_per_unit: 1 } }] }]
            """)
        #expect(report == "")
        let configuration = try #require(value)
        #expect(configuration.domains.map(\.name) == ["a", "b"] && configuration.workers == 1)
        #expect(configuration.rateLimits.store == .redis(RedisLocation(address: .ip("127.0.0.1", port: 6379))))
    }

    @Test(
        "each mistake gives its message",
        arguments: [
            (
                "domains: []",
                """
                limits.yaml:1:10: domains: found an empty list, expected a list, each a mapping with domain and descriptors

                """
            ),
            (
                "domains: [{ domain: a }, { domain: a }, { domain: \"\" }, { descriptors: [] }]",
                """
                limits.yaml:1:36: domains[1].domain: found "a" twice, expected each domain once
                limits.yaml:1:51: domains[2].domain: found "", expected a domain's name
                limits.yaml:1:57: domains[3]: the key "domain" is missing, expected a domain's name

                """
            ),
            (
                "domains: [{ domain: a }]\ndomain: b",
                """
                limits.yaml:2:9: domain: found beside "domains", expected only one of the two

                """
            ),
            (
                "domain: a\nrate_limits: { store: \"grpc://10.0.0.1:1\" }",
                """
                limits.yaml:2:23: rate_limits.store: found a rate-limit service, expected memory or redis: this is one

                """
            ),
            (
                "domain: a\ndescriptors: [{ key: a }, { key: a, value: \"\" }, { key: a, value: b }, { key: a, value: b }, { key: \"\" }]",
                """
                limits.yaml:2:27: descriptors[1]: found the key "a" without a value twice, expected it once on a level
                limits.yaml:2:72: descriptors[3]: found the key "a" with the value "b" twice, expected it once on a level
                limits.yaml:2:101: descriptors[4].key: found "", expected the key of a descriptor's entry

                """
            ),
            (
                """
                domain: a
                descriptors:
                  - { key: a, rate_limit: { unit: fortnight, requests_per_unit: -1 } }
                  - { key: b, rate_limit: { unlimited: true, unit: day } }
                  - { key: c, rate_limit: { unit: days } }
                  - { key: d, rate_limit: { unlimited: true, name: x, replaces: [{ name: x }, { name: "" }] } }
                  - { key: e, quota_mode: true, detailed_metric: true }
                  - { key: f, rate_limit: { unit: day, request_per_unit: 1 } }
                """,
                """
                limits.yaml:3:35: descriptors[0].rate_limit.unit: found "fortnight", expected second, minute, hour, day, week, month or year
                limits.yaml:3:65: descriptors[0].rate_limit.requests_per_unit: found "-1", expected a whole number from 0 to 4294967295
                limits.yaml:4:52: descriptors[1].rate_limit.unit: found beside "unlimited", expected only one of the two
                limits.yaml:5:27: descriptors[2].rate_limit: the key "requests_per_unit" is missing, expected a whole number from 0 to 4294967295
                limits.yaml:5:35: descriptors[2].rate_limit.unit: found "days", expected second, minute, hour, day, week, month or year; did you mean "day"?
                limits.yaml:6:65: descriptors[3].rate_limit.replaces: found the limit's own name, expected those of others
                limits.yaml:6:87: descriptors[3].rate_limit.replaces[1].name: found "", expected a limit's name
                limits.yaml:7:15: descriptors[4].quota_mode: unknown key, expected key, value, rate_limit, shadow_mode or descriptors
                limits.yaml:7:33: descriptors[4].detailed_metric: unknown key, expected key, value, rate_limit, shadow_mode or descriptors
                limits.yaml:8:40: descriptors[5].rate_limit.request_per_unit: unknown key; did you mean "requests_per_unit"?

                """
            ),
        ])
    func mistakes(text: String, expected: String) {
        let (value, report) = read("\(text)\nlisteners: [{ address: 127.0.0.1:0 }]\n")
        #expect(report.replacing(/(:\d+:) +/, with: { $0.1 + " " }) == expected)
        #expect(value == nil)
    }

    @Test("listeners and domains are needed")
    func needed() {
        #expect(
            read("{}").report == """
                limits.yaml:1:1: the key "domains" is missing, expected a list, each a mapping with domain and descriptors
                limits.yaml:1:1: the key "listeners" is missing, expected a list of listeners, each a mapping with address

                """)
    }
}
