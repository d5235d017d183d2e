import Testing
import Time

@testable import RateLimit

@Suite struct CounterRegistryTests {
    @Test("a limit that is read again goes on with its counters, whatever its count and maximum are then")
    func reload() throws {
        let registry = CounterRegistry(seed: seed)
        let before = try limit("2/day per tenant", of: registry)
        let caller = Caller()
        #expect(caller.allowed(of: 2, before) == 2)
        let after = try limit("3/day per tenant", counters: 5, of: registry)
        #expect(caller.allowed(of: 2, after) == 1)
        // Another place, name, window or key is another limit.
        for other in [
            try limit("3/day per tenant", place: "plans.free", of: registry),
            try limit("3/day per tenant", name: "other", of: registry), try limit("3/2day per tenant", of: registry),
            try limit("3/day per tenant, method", of: registry),
        ] { #expect(caller.allowed(of: 4, other) == 3) }
    }

    @Test("a limit that is gone for a while comes back to its counters; after ten minutes they are freed")
    func unused() throws {
        let registry = CounterRegistry(seed: seed, pool: 1000)
        let caller = Caller()
        func use(_ allowed: Int) throws {
            let limit = try limit("2/day per tenant", of: registry)
            #expect(caller.allowed(of: 3, limit) == allowed)
            for number in 0..<17_000 { caller.call(limit, key: "\(number)") }
            #expect(registry.cells.poolUsed == 17_001 - CounterTable.guaranteed)
        }
        try use(2)
        _ = registry.maintain(now: caller.now, wall: caller.wall)
        caller.advance(.seconds(599))
        _ = registry.maintain(now: caller.now, wall: caller.wall)
        try use(0)
        _ = registry.maintain(now: caller.now, wall: caller.wall)
        caller.advance(.seconds(600))
        _ = registry.maintain(now: caller.now, wall: caller.wall)
        #expect(registry.tableCount == 0 && registry.cells.poolUsed == 0)
        try use(2)
    }

    @Test("a flood of made-up keys of one limit takes nothing from another", arguments: [0, CounterRegistry.poolDefault])
    func flood(pool: Int) throws {
        let registry = CounterRegistry(seed: seed, pool: pool)
        let flooded = try limit("1000000/day per header x-k", name: "flooded", of: registry)
        let tenants = try limit("2/day per tenant", name: "tenants", of: registry)
        let caller = Caller()
        for number in 0..<75_000 { #expect(caller.call(flooded, key: "made-up-\(number)").isAllowed) }
        #expect(flooded.table.count == (pool == 0 ? CounterTable.guaranteed : 75_000))
        for number in 0..<2000 { #expect(caller.allowed(of: 3, tenants, key: "tenant-\(number)") == 2) }
        // Nor from a caller of the flooded limit, who is asked together with the other.
        #expect(caller.call(flooded, tenants, key: "new").isAllowed)
        // Those who are near their limit stay as the flood goes on.
        let near = try limit("3/day per header x-k", name: "near", of: registry)
        #expect(caller.allowed(of: 4, near, key: "spent") == 3)
        for number in 0..<20_000 { caller.call(near, key: "made-up-\(number)") }
        #expect(caller.allowed(of: 1, near, key: "spent") == 0)
    }

    @Test("what is wrong is told once a limit and kind, with where the limit stands")
    func troubles() throws {
        let registry = CounterRegistry(seed: seed)
        let limit = try limit("2/day per tenant", name: "small", counters: 10, of: registry)
        let caller = Caller()
        for number in 0..<10 { caller.call(limit, key: "\(number)") }
        #expect(registry.maintain(now: caller.now, wall: caller.wall) == [])
        for number in 10..<20 { caller.call(limit, key: "\(number)") }
        #expect(
            registry.maintain(now: caller.now, wall: caller.wall) == [
                CounterTrouble(kind: .belowLimit, place: "routes.test", name: "small")
            ])
        for number in 20..<40 { caller.call(limit, hits: 2, key: "\(number)") }
        #expect(registry.maintain(now: caller.now, wall: caller.wall).map(\.kind) == [.atLimit])
        for number in 40..<80 { caller.call(limit, hits: 2, key: "\(number)") }
        #expect(registry.maintain(now: caller.now, wall: caller.wall) == [])
        let reading = try #require(registry.readings.first)
        #expect(reading.held == 10 && reading.evictedBelowLimit + reading.evictedAtLimit == 70 && reading.evictedRecovered == 0)
    }
}
