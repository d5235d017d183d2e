import Testing

@testable import LimitRules

@Suite struct LimitRuleTests {
    @Test(
        "reads every form of the shorthand",
        arguments: [
            ("50/s", LimitRule(count: 50, window: LimitWindow(unit: .second))),
            ("50/s burst 100", LimitRule(count: 50, window: LimitWindow(unit: .second), burst: 100)),
            ("7/2week sliding", LimitRule(count: 7, window: LimitWindow(units: 2, unit: .week), algorithm: .sliding)),
            (
                "60/min token_bucket burst 5 per tenant",
                LimitRule(count: 60, window: LimitWindow(unit: .minute), algorithm: .tokenBucket, burst: 5, keys: [.tenant])
            ),
            ("20 at once", LimitRule(count: 20, window: LimitWindow(unit: .second), algorithm: .concurrency)),
            (
                "1_000 at  once per tenant, method",
                LimitRule(count: 1000, window: LimitWindow(unit: .second), algorithm: .concurrency, keys: [.tenant, .method])
            ),
            ("10_000/day", LimitRule(count: 10_000, window: LimitWindow(unit: .day))),
            ("5000000/month", LimitRule(count: 5_000_000, window: LimitWindow(unit: .month))),
            (" 7 / 10 min ", LimitRule(count: 7, window: LimitWindow(units: 10, unit: .minute))),
            ("7/10s per tenant", LimitRule(count: 7, window: LimitWindow(units: 10, unit: .second), keys: [.tenant])),
            (
                "1/h per address,method, claim realm.tenant, header X-App, constant all:calls",
                LimitRule(
                    count: 1, window: LimitWindow(unit: .hour),
                    keys: [.address, .method, .claim(["realm", "tenant"]), .header("x-app"), .constant("all:calls")])
            ),
        ])
    func reads(text: String, rule: LimitRule) throws {
        #expect(try LimitRule.parse(text) == rule)
    }

    @Test(
        "says where the text went wrong, what stood there and what should have",
        arguments: [
            ("", 1, "the end", "a count such as 100 or 10_000"),
            ("many/s", 1, "\"many/s\"", "a count such as 100 or 10_000"),
            ("-1/s", 1, "\"-1/s\"", "a count such as 100 or 10_000"),
            ("1__0/s", 1, "\"1__0/s\"", "a count such as 100 or 10_000"),
            ("1_/s", 1, "\"1_/s\"", "a count such as 100 or 10_000"),
            ("0/s", 1, "0", "a count from 1 to 10000000000"),
            ("10000000001/month", 1, "10000000001", "a count from 1 to 10000000000"),
            ("99999999999999999999/day", 1, "\"99999999999999999999/day\"", "a count of at most 10000000000"),
            ("1000001/s", 1, "1000001", "at most 1000000 a second"),
            ("100", 4, "the end", "/ and a unit (s, min, h, day, week or month), or at once"),
            ("100 per s", 5, "\"per\"", "/ and a unit (s, min, h, day, week or month), or at once"),
            ("100 at", 7, "the end", "once: calls in flight are counted by 20 at once"),
            ("100 at a time", 8, "\"a\"", "once: calls in flight are counted by 20 at once"),
            ("100 at once burst 5", 13, "\"burst\"", "per or the end"),
            ("0 at once", 1, "0", "a count from 1 to 10000000000"),
            ("10000001 at once", 1, "10000001", "at most 10000000 at once"),
            ("10/day starts 06:00", 8, "\"starts\"", "the mapping form for starts: { count: 10, per: day, starts: … }"),
            (
                "10/2week sliding per tenant time_zone UTC", 29, "\"time_zone\"",
                "the mapping form for time_zone: { count: 10, per: 2week, time_zone: … }"
            ),
            ("5 at once cost 2", 11, "\"cost\"", "the mapping form for cost: { count: 5, algorithm: concurrency, cost: … }"),
            ("100/min concurrency", 9, "\"concurrency\"", "100 at once: calls in flight have no window"),
            ("100/", 5, "the end", "a unit: s, min, h, day, week or month"),
            ("100/sec", 5, "\"sec\"", "a unit: s, min, h, day, week or month"),
            ("100/0s", 5, "0s", "1 to 86400 s"),
            ("100/54week", 5, "54week", "1 to 53 week"),
            ("100/13month", 5, "13month", "1 to 12 month"),
            ("100/s burst", 12, "the end", "a burst such as 100"),
            ("100/s burst 0", 13, "burst 0", "a burst from 1 to 10000000000"),
            ("1/s burst 9999999", 11, "burst 9999999", "a burst that recovers within 31 days"),
            (
                "100/min burst 5", 15, "burst 5",
                "no burst: only a token bucket has one, as a limit in seconds is by default"
            ),
            ("100/s bust 5", 7, "\"bust\"", "an algorithm, burst, per or the end"),
            ("100/s sliding x", 15, "\"x\"", "burst, per or the end"),
            ("2000000000/s fixed", 1, "2000000000", "at most 1000000000 in a window of seconds"),
            ("10/month token_bucket", 4, "month", "at most 31day: a token bucket fills evenly"),
            ("10/5week token_bucket", 4, "5week", "at most 31day for a token bucket"),
            ("10/h token_bucket burst 10000", 25, "burst 10000", "a burst that recovers within 31 days"),
            ("100/s burst 5 x", 15, "\"x\"", "per or the end"),
            ("100/s per", 10, "the end", "a key: tenant, address, method, claim P, header H or constant C"),
            ("100/s per ip", 11, "\"ip\"", "a key: tenant, address, method, claim P, header H or constant C"),
            ("100/s per tenant,", 18, "the end", "a key: tenant, address, method, claim P, header H or constant C"),
            ("100/s per tenant address", 18, "\"address\"", "a comma or the end"),
            ("100/s per tenant, tenant", 11, "tenant twice", "each key once"),
            ("100/s per header x(y)", 18, "\"x(y)\"", "a header name such as x-app"),
            (
                "100/s per claim https://a.b/t", 17, "\"https://a.b/t\"",
                "a claim such as tenant or realm.tenant (other names need the map form)"
            ),
            (
                "100/s per claim a..b", 17, "\"a..b\"",
                "a claim such as tenant or realm.tenant (other names need the map form)"
            ),
        ])
    func refuses(text: String, column: Int, found: String, expected: String) {
        #expect(throws: GrammarError(column: column, found: found, expected: expected)) { try LimitRule.parse(text) }
    }

    @Test("the limits themselves are allowed, and one more is not")
    func limits() throws {
        #expect(try LimitRule.parse("10_000_000_000/day").count == LimitRule.countMax)
        #expect(try LimitRule.parse("1_000_000/s").count == LimitRule.perSecondMax)
        #expect(try LimitRule.parse("10_000_000 at once").count == LimitRule.countMaxAtOnce)
        #expect(try LimitRule.parse("1/s burst 2678400").burst == 31 * 86_400)
        #expect(throws: GrammarError.self) { try LimitRule.parse("1/s burst 2678401") }
        let eight = (1...8).map { "constant c\($0)" }.joined(separator: ", ")
        #expect(try LimitRule.parse("1/s per \(eight)").keys.count == 8)
        #expect(throws: GrammarError.self) { try LimitRule.parse("1/s per \(eight), tenant") }
    }

    @Test("the map form's parts read alone")
    func parts() throws {
        #expect(try LimitWindow(parsing: "10 min") == LimitWindow(units: 10, unit: .minute))
        #expect(try LimitKey(parsing: "claim realm.roles") == .claim(["realm", "roles"]))
        #expect(throws: GrammarError(column: 1, found: "0day", expected: "1 to 366 day")) { try LimitWindow(parsing: "0day") }
        #expect(throws: GrammarError(column: 8, found: "\",\"", expected: "the end")) { try LimitKey(parsing: "tenant ,") }
    }
}
