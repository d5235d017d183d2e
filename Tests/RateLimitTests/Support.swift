import Time

@testable import RateLimit

let seed = HashSeed(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
let start = Instant(nanoseconds: 5_000_000_000_000)
/// 2027-01-15T08:00:00Z.
let startWall = WallTime(seconds: 1_800_000_000)

func limit(_ text: String, name: String = "limit", place: String = "routes.test", isShadow: Bool = false) throws -> Limit {
    var rule = try LimitRule.parse(text)
    rule.isShadow = isShadow
    return Limit(rule, name: name, place: place, seed: seed)
}

extension LimitRequest {
    func add(key text: String) {
        var text = text
        text.withUTF8 { add(key: UnsafeRawBufferPointer($0)) }
    }

    func reset(issuer text: String) {
        var text = text
        text.withUTF8 { reset(issuer: UnsafeRawBufferPointer($0)) }
    }
}

/// A store and a hand-moved time, asked one call after the other.
final class Caller {
    let store: any LimitStore
    let request: LimitRequest
    var now = start
    var wall = startWall

    init(_ store: any LimitStore) {
        self.store = store
        request = LimitRequest(keepsValues: store.needsValues)
    }

    convenience init(cells: Int = 1024) {
        self.init(MemoryStore(table: CounterTable(cells: cells, seed: seed)))
    }

    func advance(_ duration: Duration) {
        now = now + duration
        wall = WallTime(nanoseconds: UInt64(Int64(wall.nanoseconds) + duration.nanoseconds))
    }

    @discardableResult
    func call(_ limits: Limit..., hits: UInt64 = 1, key: String = "acme") -> LimitOutcome {
        request.reset(issuer: "https://auth.acme.dev")
        for limit in limits {
            request.begin(limit, hits: hits)
            for _ in 0..<limit.keyCount { request.add(key: key) }
        }
        guard case .decided(let outcome) = store.decide(request, now: now, wall: wall) else {
            return .uncounted(.unavailable)
        }
        return outcome
    }

    /// How many of `count` calls are allowed.
    func allowed(of count: Int, _ limit: Limit, key: String = "acme") -> Int {
        (0..<count).count { _ in call(limit, key: key).isAllowed }
    }
}
