import Bytes
import LimitRules
import Testing

@testable import RateLimit

@Suite struct RedisKeyTests {
    private func key(_ text: String, _ values: String..., issuer: String = "https://auth.acme.dev") throws -> String {
        let request = LimitRequest(keepsValues: true)
        let limit = try limit(text, name: "writes", place: "routes.orders")
        request.reset(issuer: issuer)
        request.begin(limit)
        for value in values { request.add(key: value) }
        var output = ByteBuffer()
        RedisKey.write(request, 0, prefix: Array("martlet".utf8), to: &output)
        return String(decoding: output.readable, as: UTF8.self)
    }

    @Test("a tenant is the hash tag, and only a tenant")
    func tag() throws {
        #expect(
            try key("10/s per method, tenant", "a.B/C", "acme")
                == "martlet:{acme}:routes.orders:writes:1s:method,tenant:https%3A//auth.acme.dev:a.B/C")
        #expect(try key("10/10min per address", "10.0.0.1") == "martlet:routes.orders:writes:10min:address:10.0.0.1")
        #expect(try key("10/day") == "martlet:routes.orders:writes:1day:")
    }

    @Test("what is counted is a part of it where that is not calls, and its unit where a level is no time")
    func measure() throws {
        func part(_ text: String) throws -> String {
            var rule = try LimitRule.parse(text)
            (rule.measure, rule.unit) = ("request_bytes", 8)
            return String(decoding: RedisKey.fixedPart(place: "p", name: "n", rule: rule), as: UTF8.self)
        }
        #expect(try part("10/day") == "p:n:1day/request_bytes/8:")
        #expect(try part("10/s") == "p:n:1s/request_bytes:")
    }

    @Test("what is counted by a unit is told, overridden and granted as it is")
    func units() throws {
        var rule = try LimitRule.parse("10/day")
        rule.unit = 8
        let limit = Limit(rule, name: "n", place: "p", counters: CounterRegistry())
        #expect(limit.told(10) == 80 && limit.told(.max) == .max)
        #expect(limit.adjusted(count: 160, burst: nil, granted: 16)?.capacity == 22)
        #expect(limit.adjusted(count: 7, burst: nil, granted: 0) == nil)
    }

    @Test("no value can look like two, or like another part")
    func unambiguous() throws {
        #expect(try key("1/s per header a, header b", "x:y", "z") != key("1/s per header a, header b", "x", "y:z"))
        #expect(try key("1/s per header a", "}{%\n").hasSuffix(":%7D%7B%25%0A"))
        #expect(try key("1/s per tenant", "a", issuer: "i") != key("1/s per tenant", "a", issuer: "j"))
        #expect(try key("1/s per header a", "~") != "martlet:routes.orders:writes:1s:header%20a:~")
    }

    @Test("a value of 128 bytes stands as it is, a longer one as its digest")
    func long() throws {
        let whole = String(repeating: "a", count: 128)
        #expect(try key("1/s per header a", whole).hasSuffix(whole))
        // SHA-256 of 129 times "a".
        #expect(
            try key("1/s per header a", whole + "a").hasSuffix(
                ":~C12CB024A2E5551CCA0E08FCE8F1C5E314555CC3FEF6329EE994A3DB752166AE"))
        #expect(try key("1/s per tenant", String(repeating: "a", count: 60_000)).utf8.count < 250)
    }
}
