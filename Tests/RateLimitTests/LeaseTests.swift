import Random
import Testing
import Time

@testable import RateLimit

@Suite struct LeaseTests {
    @Test("a hot key is asked about once in many calls, and then every call is counted")
    func fewQuestions() throws {
        let world = try LeasingGateways(1)
        let gateway = world.gateways[0]
        let limit = try limit("100000/min per tenant")
        var remaining: [UInt64] = []
        for _ in 0..<4000 {
            remaining.append(gateway.call([limit]).verdict(at: 0).remaining)
            world.settle()
        }
        #expect(gateway.commands < 50)
        #expect(remaining == (1...4000).map { 100_000 - UInt64($0) })
        world.advance(.milliseconds(1100))
        #expect(world.ask("GET", "martlet:{acme}:routes.test:limit:1min:tenant:i").hasPrefix("4000 "))
    }

    @Test("a key that few calls come for is not leased")
    func coldKeys() throws {
        let world = try LeasingGateways(1)
        let gateway = world.gateways[0]
        let limit = try limit("1000/min per tenant")
        for _ in 0..<50 {
            _ = gateway.call([limit])
            world.advance(.milliseconds(400))
        }
        #expect(gateway.commands == 50)
    }

    @Test("what is only asked, or is charged whatever the level, would use no lease")
    func unleased() throws {
        let world = try LeasingGateways(1)
        let gateway = world.gateways[0]
        let limit = try limit("1000/min per tenant")
        for number: UInt64 in 1...20 {
            _ = gateway.call([limit], hits: 5, charging: .always)
            #expect(gateway.call([limit], hits: 0).verdict(at: 0).remaining == 1000 - 5 * number)
        }
        #expect(gateway.commands == 40)
    }

    @Test("a refusal is remembered for a second at most, and only one that leases did not cause")
    func refusals() throws {
        let world = try LeasingGateways(2)
        let limit = try limit("100/min per tenant")
        for _ in 0..<40 { #expect(world.gateways[0].call([limit]).outcome.isAllowed) }
        world.settle()
        // What the other has leased refuses this one, for as long as the lease is.
        var refused: LimitRequest?
        var allowed = 40
        while refused == nil {
            let request = world.gateways[1].call([limit])
            if request.outcome.isAllowed { allowed += 1 } else { refused = request }
        }
        let wait = try #require(refused).outcome.retryAfterNanoseconds
        #expect(wait > 0 && wait <= 1_250_000_000)
        // Meanwhile what is left of the lease has been given back.
        world.advance(.nanoseconds(Int64(wait)))
        #expect(world.gateways[1].call([limit]).outcome.isAllowed)
        allowed += 1
        for gateway in world.gateways {
            while gateway.call([limit]).outcome.isAllowed { allowed += 1 }
        }
        world.advance(.milliseconds(1300))
        for gateway in world.gateways {
            while gateway.call([limit]).outcome.isAllowed { allowed += 1 }
        }
        #expect(allowed == 100)
        let commands = world.gateways[0].commands
        for _ in 0..<100 { #expect(!world.gateways[0].call([limit]).outcome.isAllowed) }
        #expect(world.gateways[0].commands == commands)
        world.advance(.milliseconds(1001))
        _ = world.gateways[0].call([limit])
        #expect(world.gateways[0].commands > commands)
    }

    @Test("what a gateway that ends has leased comes back", arguments: ["1000/min per tenant", "1000/s burst 1000 per tenant"])
    func ends(rule: String) throws {
        let world = try LeasingGateways(1)
        let limit = try limit(rule)
        for _ in 0..<200 { _ = world.gateways[0].call([limit]) }
        world.gateways[0].store.endLeases()
        world.settle()
        let request = world.gateways[0].call([limit])
        #expect(request.verdict(at: 0).remaining == 1000 - 201)
    }

    /// What the callers of all gateways were allowed, held against the algorithm itself.
    private struct Model {
        let limit: Limit
        var level: UInt64 = 0
        var last: UInt64
        var windows: [UInt64: UInt64] = [:]

        /// False where the algorithm does not allow it.
        mutating func allow(at wall: WallTime) -> Bool {
            switch limit.algorithm {
            case .rate:
                level = level > wall.nanoseconds - last ? level - (wall.nanoseconds - last) : 0
                last = wall.nanoseconds
                level += limit.emission
                return level <= limit.tolerance
            case .fixed:
                let place = limit.schedule.place(at: wall)
                windows[place.number, default: 0] += 1
                return windows[place.number, default: 0] <= limit.capacity
            case .sliding:
                let place = limit.schedule.place(at: wall)
                windows[place.number, default: 0] += 1
                let sliding = SlidingWindow(place, previous: windows[place.number - 1, default: 0], wall: wall)
                return windows[place.number, default: 0] + sliding.carried <= limit.capacity
            case .concurrency: return false
            }
        }
    }

    @Test(
        "never more than the limit over several gateways, and all of it where it is asked for",
        arguments: ["300/min per tenant", "300/min sliding per tenant", "300/10s token_bucket per tenant"], [1, 2, 3] as [UInt64])
    func model(rule: String, seed: UInt64) throws {
        let world = try LeasingGateways(3)
        let limit = try limit(rule)
        var random = RandomGenerator(seed: seed)
        var model = Model(limit: limit, last: world.wall.nanoseconds)
        var allowed = 0
        func call(_ gateway: LeasingGateways.Gateway) -> Bool {
            guard gateway.call([limit]).outcome.isAllowed else { return false }
            allowed += 1
            let fits = model.allow(at: world.wall)
            #expect(fits)
            return true
        }
        for _ in 0..<60 {
            for _ in 0..<Int(random.next() % 40) { _ = call(world.gateways[Int(random.next() % 3)]) }
            world.advance(.milliseconds(Int64(random.next() % 900)))
        }
        // In a window of its own every hit comes to be used.
        world.advance(.seconds(180))
        allowed = 0
        for _ in 0..<3 {
            for gateway in world.gateways { for _ in 0..<400 { _ = call(gateway) } }
            world.advance(.milliseconds(limit.algorithm == .rate ? 0 : 1300))
        }
        if limit.algorithm == .rate {
            #expect(allowed <= 300)
        } else {
            #expect(allowed == 300)
        }
    }

    @Test("a call of several limits takes hits of all their leases, or of none")
    func severalLimits() throws {
        let world = try LeasingGateways(1)
        let gateway = world.gateways[0]
        let wide = try limit("100000/min per tenant", name: "wide")
        let narrow = try limit("60/min per tenant", name: "narrow")
        var allowed = 0
        for _ in 0..<200 where gateway.call([wide, narrow]).outcome.isAllowed { allowed += 1 }
        world.advance(.milliseconds(1300))
        for _ in 0..<200 where gateway.call([wide, narrow]).outcome.isAllowed { allowed += 1 }
        #expect(allowed == 60)
        world.advance(.milliseconds(1300))
        #expect(world.ask("GET", "martlet:{acme}:routes.test:wide:1min:tenant:i").hasPrefix("60 "))
    }

    @Test("a limit that is lowered holds at once, and one that becomes a shadow limit is asked about", arguments: [false, true])
    func changedLimits(isShadow: Bool) throws {
        let world = try LeasingGateways(1)
        let gateway = world.gateways[0]
        let registry = CounterRegistry(seed: seed)
        let wide = try limit(isShadow ? "10/h per tenant" : "1000/s burst 1000 per tenant", of: registry)
        for _ in 0..<100 { _ = gateway.call([wide]) }
        world.settle()
        let other = try limit(
            isShadow ? "100000/h per tenant" : "1/s burst 2 per tenant", isShadow: isShadow, of: registry)
        let allowed = (0..<100).count { _ in gateway.call([other]).outcome.isAllowed }
        #expect(isShadow ? allowed == 100 : allowed <= 2)
    }
}
