import LimitRules
import Random
import Time

@testable import RateLimit

let seed = HashSeed(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
let start = Instant(nanoseconds: 5_000_000_000_000)
/// 2027-01-15T08:00:00Z.
let startWall = WallTime(seconds: 1_800_000_000)

/// With a registry of its own unless it shares one, and so with counters of its own.
func limit(
    _ text: String, name: String = "limit", place: String = "routes.test", isShadow: Bool = false, counters: Int? = nil,
    of registry: CounterRegistry = CounterRegistry(seed: seed)
) throws -> Limit {
    var rule = try LimitRule.parse(text)
    rule.isShadow = isShadow
    rule.counters = counters
    return Limit(rule, name: name, place: place, counters: registry)
}

/// A digest as spread as real ones are.
func digest(_ number: Int) -> CounterDigest {
    func mix(_ seed: UInt64) -> UInt64 { SplitMix64.mix(seed &* SplitMix64.increment) }
    return CounterDigest(low: mix(UInt64(number) + 1), high: mix(UInt64(number) &+ 0x1234_5678_9abc))
}

extension LimitRequest {
    func add(key text: String) {
        var text = text
        text.withUTF8 { add(key: UnsafeRawBufferPointer($0)) }
    }

    func reset(issuer text: String, charging: Charging = .allOrNone) {
        var text = text
        text.withUTF8 { reset(issuer: UnsafeRawBufferPointer($0), charging: charging) }
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

    convenience init() { self.init(MemoryStore()) }

    func advance(_ duration: Duration) {
        now = now + duration
        wall = WallTime(nanoseconds: UInt64(Int64(wall.nanoseconds) + duration.nanoseconds))
    }

    @discardableResult
    func call(
        _ limits: Limit..., hits: UInt64 = 1, key: String = "acme", charging: LimitRequest.Charging = .allOrNone
    ) -> LimitOutcome {
        request.reset(issuer: "https://auth.acme.dev", charging: charging)
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
