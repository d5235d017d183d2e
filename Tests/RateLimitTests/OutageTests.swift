import Testing
import Time

@testable import RateLimit

/// Redis is away for a while.
@Suite struct OutageTests {
    private func allowed(_ count: Int, _ gateway: LeasingGateways.Gateway, _ limit: Limit) -> Int {
        (0..<count).count { _ in gateway.call([limit]).outcome.isAllowed }
    }

    @Test(
        "counting goes on from where the store was last known to be",
        arguments: ["100/h per tenant", "100/h sliding per tenant", "1/h burst 100 per tenant"])
    func goesOn(rule: String) throws {
        let world = try LeasingGateways(1, lease: nil, whenUnavailable: .local)
        let gateway = world.gateways[0]
        let limit = try limit(rule.replacing("1/h burst", with: "1/3600s burst"))
        #expect(allowed(60, gateway, limit) == 60)
        gateway.isAway = true
        #expect(allowed(100, gateway, limit) == 40)
    }

    @Test("each of several gateways lets its share of what was left pass")
    func shares() throws {
        let world = try LeasingGateways(2, lease: nil, whenUnavailable: .local)
        let registry = CounterRegistry(seed: seed)
        let other = CounterRegistry(seed: seed)
        let limits = [try limit("100/h per tenant", of: registry), try limit("100/h per tenant", of: other)]
        #expect(allowed(40, world.gateways[0], limits[0]) == 40)
        #expect(allowed(1, world.gateways[1], limits[1]) == 1)
        for gateway in world.gateways {
            gateway.isAway = true
            gateway.store.processes = { 2 }
        }
        // The first does not know of the other's last call.
        #expect(allowed(100, world.gateways[0], limits[0]) == 30)
        #expect(allowed(100, world.gateways[1], limits[1]) == 29)
    }

    @Test("a counter that nobody has used lets one call of each gateway pass, however small its limit")
    func smallLimits() throws {
        let world = try LeasingGateways(1, lease: nil, whenUnavailable: .local)
        let gateway = world.gateways[0]
        gateway.isAway = true
        gateway.store.processes = { 50 }
        let limit = try limit("3/h per tenant")
        #expect(allowed(10, gateway, limit) == 1)
    }

    @Test("what was let through meanwhile is charged afterwards", arguments: StoreConfiguration.WhenUnavailable.allCases)
    func chargedAfterwards(whenUnavailable: StoreConfiguration.WhenUnavailable) throws {
        let world = try LeasingGateways(1, whenUnavailable: whenUnavailable)
        let gateway = world.gateways[0]
        let key = "martlet:{acme}:routes.test:limit:1h:tenant:i"
        let limit = try limit("100/h per tenant")
        #expect(allowed(3, gateway, limit) == 3)
        gateway.isAway = true
        #expect(allowed(30, gateway, limit) == (whenUnavailable == .deny ? 0 : 30))
        gateway.isAway = false
        world.advance(.milliseconds(300))
        #expect(world.ask("GET", key).split(separator: " ").first == (whenUnavailable == .deny ? "3" : "33"))
        world.advance(.milliseconds(300))
        #expect(world.ask("GET", key).split(separator: " ").first == (whenUnavailable == .deny ? "3" : "33"))
    }

    @Test("leases last their time, and what was used of them is told afterwards")
    func leases() throws {
        let world = try LeasingGateways(1)
        let gateway = world.gateways[0]
        let limit = try limit("1000/h per tenant")
        #expect(allowed(100, gateway, limit) == 100)
        world.settle()
        gateway.isAway = true
        let more = allowed(1000, gateway, limit)
        #expect(more > 0)
        gateway.isAway = false
        world.advance(.milliseconds(1400))
        let request = gateway.call([limit])
        #expect(request.verdict(at: 0).remaining == 1000 - 101 - UInt64(more))
    }
}
