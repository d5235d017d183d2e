import Bytes
import Crypto
import Random
import Testing

@testable import JOSE

@Suite struct TokenCacheTests {
    final class Identity {
        let name: String
        init(_ name: String) { self.name = name }
    }

    static let small = TokenCache.Limits(entriesMax: 4, bytesMax: 1 << 20)

    func find(_ cache: TokenCache, _ token: String, generation: UInt64 = 1, now: Int64 = 100) -> String? {
        bytes(token) { token in
            cache.find(token, generation: generation, nowSeconds: now).map {
                ($0 as! Identity).name
            }
        }
    }

    func insert(_ cache: TokenCache, _ token: String, generation: UInt64 = 1, until: Int64 = 200, valueBytes: Int = 0) {
        bytes(token) {
            cache.insert($0, value: Identity(token), valueBytes: valueBytes, generation: generation, validUntilSeconds: until)
        }
    }

    @Test("what was kept is found by the whole token and by nothing else")
    func wholeToken() {
        let cache = TokenCache()
        let long = String(repeating: "x", count: 760)
        insert(cache, long)
        insert(cache, "abc")
        #expect(find(cache, long) == long)
        #expect(find(cache, "abc") == "abc")
        for other in ["", "ab", "abcd", "abC", String(long.dropLast()), long + "x", String(long.dropLast()) + "y"] {
            #expect(find(cache, other) == nil)
        }
        #expect(cache.hits == 2)
        #expect(cache.misses == 7)
        #expect(cache.count == 2)
    }

    @Test("tokens with the same hash are told apart, found and removed in any order", arguments: 0..<6)
    func collisions(order: Int) {
        let cache = TokenCache(limits: .init(entriesMax: 8, bytesMax: 1 << 20))
        let names = ["aaa", "bbb", "ccc"]
        func lookUp(_ name: String, now: Int64 = 100) -> String? {
            bytes(name) { cache.find($0, hash: 7, generation: 1, nowSeconds: now) }
                .map { ($0 as! Identity).name }
        }
        for (index, name) in names.enumerated() {
            bytes(name) {
                cache.insert(
                    $0, hash: 7, value: Identity(name), valueBytes: 0, generation: 1,
                    validUntilSeconds: 200 + Int64(index))
            }
        }
        for name in names { #expect(lookUp(name) == name) }
        #expect(lookUp("ddd") == nil)
        // Remove one of the chain, whichever it is, by letting it expire; the others stay.
        let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        var left = Set(names)
        for index in permutations[order] {
            #expect(lookUp(names[index], now: 1000) == nil)
            left.remove(names[index])
            for name in names { #expect(lookUp(name) == (left.contains(name) ? name : nil)) }
        }
        #expect(cache.count == 0)
        #expect(cache.byteCount == 0)
    }

    @Test("an entry dies in the second its time is up")
    func expiry() {
        let cache = TokenCache()
        insert(cache, "t", until: 200)
        #expect(find(cache, "t", now: 199) == "t")
        #expect(find(cache, "t", now: 200) == nil)
        #expect(cache.count == 0)
        #expect(find(cache, "t", now: 199) == nil)
    }

    @Test("an entry dies with the generation of its keys")
    func generation() {
        let cache = TokenCache()
        insert(cache, "t", generation: 1)
        #expect(find(cache, "t", generation: 2) == nil)
        #expect(cache.count == 0)
        #expect(find(cache, "t", generation: 1) == nil)
        insert(cache, "t", generation: 2)
        #expect(find(cache, "t", generation: 2) == "t")
    }

    @Test("a token kept again has its new value, and counts once")
    func replaced() {
        let cache = TokenCache()
        insert(cache, "t", until: 150)
        insert(cache, "t", until: 300)
        #expect(cache.count == 1)
        #expect(find(cache, "t", now: 250) == "t")
        #expect(cache.evictions == 0)
    }

    @Test("the cache holds as many entries as its limit, and one more lets one go")
    func entriesMax() {
        let cache = TokenCache(limits: Self.small)
        for name in ["a", "b", "c", "d"] { insert(cache, name) }
        #expect(cache.count == 4)
        #expect(cache.evictions == 0)
        insert(cache, "e")
        #expect(cache.count == 4)
        #expect(cache.evictions == 1)
        #expect(find(cache, "e") == "e")
    }

    @Test("what was found lately is spared, and what was not goes first")
    func secondChance() {
        let cache = TokenCache(limits: Self.small)
        for name in ["a", "b", "c", "d"] { insert(cache, name) }
        _ = find(cache, "a")
        _ = find(cache, "c")
        insert(cache, "e")
        insert(cache, "f")
        for name in ["a", "c"] { #expect(find(cache, name) == name) }
        for name in ["b", "d"] { #expect(find(cache, name) == nil) }
    }

    @Test("bytes are bounded too, by tokens and what their values are counted for")
    func bytesMax() {
        let cache = TokenCache(limits: .init(entriesMax: 1000, bytesMax: 10_000))
        for number in 0..<100 {
            insert(cache, "token \(number)", valueBytes: 900)
            #expect(cache.byteCount <= 10_000)
        }
        #expect(cache.count > 5)
        #expect(cache.count < 11)
        #expect(cache.evictions == UInt64(100 - cache.count))
        // Larger than the whole cache: not kept, and nothing has to go for it.
        let before = cache.count
        insert(cache, "huge", valueBytes: 10_000)
        #expect(find(cache, "huge") == nil)
        #expect(cache.count == before)
    }

    @Test("values are let go with their entries, and all of them with the cache")
    func released() {
        weak var first: Identity?
        weak var second: Identity?
        do {
            let cache = TokenCache(limits: .init(entriesMax: 1, bytesMax: 1 << 20))
            do {
                let one = Identity("one")
                let two = Identity("two")
                first = one
                second = two
                bytes("1") { cache.insert($0, value: one, valueBytes: 0, generation: 1, validUntilSeconds: 9) }
                #expect(first != nil)
                bytes("2") { cache.insert($0, value: two, valueBytes: 0, generation: 1, validUntilSeconds: 9) }
            }
            #expect(first == nil)
            #expect(second != nil)
        }
        #expect(second == nil)
    }

    @Test("after a hundred thousand random steps the cache agrees with a dictionary about everything it still holds")
    func againstDictionary() {
        let cache = TokenCache(limits: .init(entriesMax: 50, bytesMax: 20_000))
        var truth: [String: (generation: UInt64, until: Int64)] = [:]
        var random = RandomGenerator(seed: 42)
        var now: Int64 = 0
        for _ in 0..<100_000 {
            now += Int64(random.next() % 2)
            let token = "token-\(random.next() % 120)"
            let generation = 1 + UInt64(now / 5000)
            if random.next() % 3 == 0 {
                let until = now + Int64(random.next() % 300)
                insert(cache, token, generation: generation, until: until, valueBytes: Int(random.next() % 700))
                truth[token] = (generation, until)
            } else if let found = find(cache, token, generation: generation, now: now) {
                #expect(found == token)
                guard let entry = truth[token], entry.generation == generation, now < entry.until else {
                    Issue.record("found what should be gone")
                    return
                }
            }
            guard cache.count <= 50, cache.byteCount <= 20_000 else {
                Issue.record("over the limit")
                return
            }
        }
        #expect(cache.hits > 10_000)
        #expect(cache.evictions > 1_000)
        cache.removeAll()
        #expect(cache.count == 0)
        #expect(cache.byteCount == 0)
    }
}
