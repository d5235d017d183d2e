import Config
import RateLimit
import Testing
import Transport

@testable import RateLimitService

@Suite struct LimitServiceConfigurationTests {
    private func read(_ text: String, files: [String: String] = [:]) -> (value: LimitServiceConfiguration?, report: String) {
        let reading = LimitServiceConfiguration.read(
            text: text, file: "limits.yaml", environment: { _ in nil },
            readFile: { files[$0].map { .success($0) } ?? .failure(FileFailure("no such file")) },
            listFolder: { folder in
                let names = files.keys.filter { $0.hasPrefix("\(folder)/") }.map { String($0.dropFirst(folder.count + 1)) }
                return names.isEmpty && folder != "empty" ? nil : .success(names.sorted())
            })
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
                  - { key: e, quota: true, detailed: true }
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
                limits.yaml:7:15: descriptors[4].quota: unknown key, expected key, value, rate_limit, shadow_mode, quota_mode, detailed_metric, value_to_metric, share_threshold, metadata or descriptors
                limits.yaml:7:28: descriptors[4].detailed: unknown key, expected key, value, rate_limit, shadow_mode, quota_mode, detailed_metric, value_to_metric, share_threshold, metadata or descriptors
                limits.yaml:8:40: descriptors[5].rate_limit.request_per_unit: unknown key; did you mean "requests_per_unit"?

                """
            ),
        ])
    func mistakes(text: String, expected: String) {
        let (value, report) = read("\(text)\nlisteners: [{ address: 127.0.0.1:0 }]\n")
        #expect(report.replacing(/(:\d+:) +/, with: { $0.1 + " " }) == expected)
        #expect(value == nil)
    }

    @Test("every key of a descriptor is understood")
    func allKeys() throws {
        let (value, report) = read(
            """
            listeners: [{ address: 127.0.0.1:0 }]
            response_headers: { limit: X-Limit }
            near_limit: 90%
            shadow_mode: true
            domain: d
            charging: each
            descriptors:
              - key: a
                value: b*
                quota_mode: true
                detailed_metric: true
                value_to_metric: true
                share_threshold: true
                metadata: { team: [x, { y: 1 }] }
                rate_limit: { unit: minute, unit_multiplier: 15, requests_per_unit: 3 }
            """)
        #expect(report == "")
        let configuration = try #require(value)
        let domain = try #require(configuration.domains.first)
        #expect(domain.charging == .always)
        var expected = descriptor("a", "b*", .requests(3, per: .minute))
        expected.limit?.multiplier = 15
        (expected.isQuota, expected.isDetailed, expected.hasValueInMetric, expected.sharesThreshold) = (true, true, true, true)
        #expect(domain.descriptors == [expected])
        #expect(configuration.answers.nearPercent == 90 && configuration.answers.isShadow)
        #expect(configuration.answers.headers == AnswerSettings.Headers(limit: "X-Limit"))
    }

    @Test("mistakes in the keys of descriptors and answers")
    func keyMistakes() {
        let (value, report) = read(
            """
            listeners: [{ address: 127.0.0.1:0 }]
            response_headers: { limit: "a b" }
            near_limit: 120%
            domain: d
            charging: eech
            descriptors:
              - { key: a, value: b, share_threshold: true, metadata: x }
              - { key: b, rate_limit: { unit: year, unit_multiplier: 11, requests_per_unit: 3 } }
              - { key: c, rate_limit: { unit: year, unit_multiplier: 0, requests_per_unit: 3 } }
              - { key: d, rate_limit: { unlimited: true, unit_multiplier: 2 } }
            """)
        #expect(
            report.replacing(/(:\d+:) +/, with: { $0.1 + " " }) == """
                limits.yaml:2:28: response_headers.limit: found "a b", expected the name of a header, such as RateLimit-Limit
                limits.yaml:3:13: near_limit: found "120%", expected a percentage such as 20%
                limits.yaml:5:11: charging: found "eech", expected all_or_none or each; did you mean "each"?
                limits.yaml:7:42: descriptors[0].share_threshold: expected it beside a value with *
                limits.yaml:7:58: descriptors[0].metadata: found "x", expected a mapping
                limits.yaml:8:58: descriptors[1].rate_limit.unit_multiplier: found 11, expected at most 10: a window is ten years long at most
                limits.yaml:9:58: descriptors[2].rate_limit.unit_multiplier: found "0", expected a whole number from 1 to 315360000
                limits.yaml:10:63: descriptors[3].rate_limit.unit_multiplier: found beside "unlimited", expected only one of the two

                """)
        #expect(value == nil)
    }

    private static let files = [
        "one.yaml": "domain: one\ndescriptors: [{ key: a, rate_limit: { unit: day, requests_per_unit: 1 } }]",
        "rules/two.yaml": "domain: two", "rules/below/three.yml": "domain: three\ndescriptors: [{ key: a }]",
        "more/one.yaml": "domain: one\ndescriptors: [{ key: b }]", "same/one.yaml": "domain: one\ndescriptors: [{ key: a }]",
        "bad/broken.yaml": "domain: [", "bad/wrong.yaml": "domain: x\ndescriptors: [{ kay: a }]",
    ]

    @Test("rules come from files and folders too, in their order, and domains of one name may be put together")
    func ruleFiles() throws {
        let (value, report) = read(
            "listeners: [{ address: 127.0.0.1:0 }]\nrule_files: [one.yaml, rules]\ndomains: [{ domain: own }]", files: Self.files)
        #expect(report == "")
        #expect(value?.domains.map(\.name) == ["own", "one", "three", "two"])
        let (merged, none) = read(
            "listeners: [{ address: 127.0.0.1:0 }]\nrule_files: [one.yaml, more]\nmerge_domains: true", files: Self.files)
        #expect(none == "")
        #expect(merged?.domains.map(\.name) == ["one"] && merged?.domains.first?.descriptors.map(\.key) == ["a", "b"])
        #expect(LimitServiceConfiguration.isMeant(by: "rule_files: x", file: "f"))
    }

    @Test("mistakes in files of rules have their file, line and reason")
    func ruleFileMistakes() {
        let listeners = "listeners: [{ address: 127.0.0.1:0 }]\n"
        func report(_ text: String) -> String {
            read(listeners + text, files: Self.files).report.replacing(/(:\d+:) +/, with: { $0.1 + " " })
        }
        #expect(
            report("rule_files: [one.yaml, more, none.yaml, empty]") == """
                more/one.yaml:1:9: domain: found "one" twice, expected each domain once; the other is in one.yaml
                limits.yaml:2:30: rule_files[2]: found "none.yaml", which cannot be read: no such file
                limits.yaml:2:41: rule_files[3]: found "empty", a folder without files of rules, expected names that end in .yaml or .yml

                """)
        #expect(
            report("rule_files: [one.yaml, same]\nmerge_domains: true") == """
                same/one.yaml:1:9: domain: found the key "a" without a value in this domain twice, expected it once on a level; the other is in one.yaml

                """)
        let bad = report("rule_files: bad")
        #expect(
            bad.contains("bad/broken.yaml:")
                && bad.contains("bad/wrong.yaml:2:17: descriptors[0].kay: unknown key; did you mean \"key\"?"))
        #expect(
            report("rule_files: one.yaml\ndomain: b") == """
                limits.yaml:3:9: domain: found beside "rule_files", expected only one of the two

                """)
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
