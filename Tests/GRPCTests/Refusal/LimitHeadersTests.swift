import Bytes
import Testing

@testable import GRPC

@Suite struct LimitHeadersTests {
    private func headers(_ limits: [LimitState], _ families: LimitHeaders.Families = [.standard, .prefixed]) -> Written {
        Written { fields, _ in
            var scratch = ByteBuffer()
            LimitHeaders.write(limits, families, scratch: &scratch) { fields.append($0, $1) }
        }
    }

    @Test(
        "each family is written without the other, and knows its own", arguments: [LimitHeaders.Families.standard, .prefixed, []])
    func families(families: LimitHeaders.Families) {
        let limit = LimitState(name: "a", count: 1, windowSeconds: 1, remaining: 1, resetSeconds: 0)
        let all = headers([limit]).fields.map(\.name)
        let names = headers([limit], families).fields.map(\.name)
        #expect(names == all.filter { name in Array(name.utf8).withUnsafeBytes { families.contains(name: $0) } })
        #expect(names.count == (families == .standard ? 2 : families == .prefixed ? 3 : 0))
    }

    @Test("the tightest limit leads, and every policy follows in its order")
    func several() {
        let written = headers([
            .init(name: "day", exposesName: true, count: 1000, windowSeconds: 86_400, remaining: 40, resetSeconds: 3600),
            .init(name: "burst", exposesName: true, count: 10, windowSeconds: 1, remaining: 3, resetSeconds: 1),
        ])
        #expect(written["ratelimit-policy"] == #""day";q=1000;w=86400, "burst";q=10;w=1"#)
        #expect(written["ratelimit"] == #""day";r=40;t=3600, "burst";r=3;t=1"#)
        #expect(written["x-ratelimit-limit"] == #"10, 1000;w=86400;name="day", 10;w=1;name="burst""#)
        #expect(written["x-ratelimit-remaining"] == "3")
        #expect(written["x-ratelimit-reset"] == "1")
    }

    @Test("of limits that are equally tight the one that takes longest leads")
    func ties() {
        let written = headers([
            .init(name: "a", count: 10, windowSeconds: 1, remaining: 0, resetSeconds: 1),
            .init(name: "b", count: 99, windowSeconds: 60, remaining: 0, resetSeconds: 42),
        ])
        #expect(written["x-ratelimit-reset"] == "42")
        #expect(written["x-ratelimit-limit"]?.hasPrefix("99, ") == true)
    }

    @Test("limits whose names are not told are counted through")
    func hidden() {
        let limit = LimitState(name: "secret", count: 1, windowSeconds: 1, remaining: 1, resetSeconds: 0)
        let written = headers([limit, limit])
        #expect(written["ratelimit"] == #""limit-1";r=1;t=0, "limit-2";r=1;t=0"#)
        #expect(!written.fields.contains { $0.value.contains("secret") })
    }

    @Test("names are quoted, and what a field cannot hold is replaced")
    func quoting() {
        let written = headers([
            .init(name: "a\"\\\r\né", exposesName: true, count: 1, windowSeconds: 1, remaining: 1, resetSeconds: 0)
        ])
        #expect(written["ratelimit"] == #""a\"\\????";r=1;t=0"#)
    }

    @Test("structured-field integers stop at fifteen digits")
    func integers() {
        let written = headers([
            .init(name: "a", count: .max, windowSeconds: 1, remaining: 1_000_000_000_000_000, resetSeconds: 999_999_999_999_999)
        ])
        #expect(written["ratelimit-policy"] == "\"limit-1\";q=999999999999999;w=1")
        #expect(written["ratelimit"] == "\"limit-1\";r=999999999999999;t=999999999999999")
    }

    @Test("a warning names only the limits that are nearly used up, by the places that ratelimit gives them")
    func warning() {
        let plenty = LimitState(name: "a", count: 10, windowSeconds: 1, remaining: 9, resetSeconds: 1)
        let near = LimitState(name: "b", count: 3, windowSeconds: 60, remaining: 1, resetSeconds: 42, isNear: true)
        let exposed = LimitState(
            name: "c", exposesName: true, count: .max, windowSeconds: 60, remaining: 0, resetSeconds: 7, isNear: true)
        let written = headers([plenty, near, exposed], .warning)
        #expect(written.fields.map(\.name) == ["x-quota-warning"])
        #expect(written["x-quota-warning"] == #""limit-2";used=66;t=42, "c";used=100;t=7"#)
        #expect(headers([plenty], .warning).fields.isEmpty)
    }

    @Test("calls in flight have no window, and no time that tells when one ends")
    func inFlight() {
        let written = headers([
            .init(name: "a", exposesName: true, count: 20, windowSeconds: nil, remaining: 0, resetSeconds: 0, isExceeded: true),
            .init(name: "b", exposesName: true, count: 30, windowSeconds: 60, remaining: 7, resetSeconds: 12),
        ])
        #expect(written["ratelimit-policy"] == #""a";q=20;qu="concurrent-requests", "b";q=30;w=60"#)
        #expect(written["ratelimit"] == #""a";r=0, "b";r=7;t=12"#)
        #expect(written["x-ratelimit-limit"] == #"20, 20;name="a", 30;w=60;name="b""#)
        #expect(written["x-ratelimit-remaining"] == "0" && written["x-ratelimit-reset"] == "0")
    }

    @Test("no limits, no headers")
    func none() {
        #expect(headers([]).fields.isEmpty)
    }
}
