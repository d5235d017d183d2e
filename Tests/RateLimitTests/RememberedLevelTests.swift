import Random
import Testing
import Time

@testable import RateLimit

/// A primary that is lost, with what its replica had not received: the test brings the counter's value back to what it was.
@Suite struct RememberedLevelTests {
    private static let key = "martlet:{acme}:routes.test:limit:1min:tenant:i"

    @Test("what a lost primary had counted is told to its successor, by whoever knows the most")
    func failover() throws {
        let world = try LeasingGateways(2, lease: nil)
        let limit = try limit("100/min per tenant")
        for _ in 0..<30 { #expect(world.gateways[0].call([limit]).outcome.isAllowed) }
        let replicated = world.ask("GET", Self.key)
        for _ in 0..<20 { #expect(world.gateways[1].call([limit]).outcome.isAllowed) }
        for _ in 0..<5 { #expect(world.gateways[0].call([limit]).outcome.isAllowed) }
        world.failOver(Self.key, to: replicated)
        #expect(world.gateways[1].call([limit]).verdict(at: 0).remaining == 100 - 51)
        #expect(world.gateways[0].call([limit]).verdict(at: 0).remaining == 100 - 57)
        #expect(world.gateways[1].call([limit]).verdict(at: 0).remaining == 100 - 58)
    }

    @Test("exactly the limit passes beside leases, whatever the successor has", arguments: [true, false])
    func leases(isEmpty: Bool) throws {
        let world = try LeasingGateways(3)
        let limit = try limit("1000/min per tenant")
        var allowed = 0
        func call(_ count: Int) {
            for number in 0..<count where world.gateways[number % 3].call([limit]).outcome.isAllowed { allowed += 1 }
        }
        call(90)
        world.settle()
        let replicated = isEmpty ? nil : world.ask("GET", Self.key)
        call(400)
        world.settle()
        world.failOver(Self.key, to: replicated)
        call(300)
        world.advance(.milliseconds(1400))
        call(1500)
        world.advance(.milliseconds(1400))
        call(1500)
        #expect(allowed == 1000)
    }

    @Test("a rate goes on from where it was")
    func rate() throws {
        let world = try LeasingGateways(1, lease: nil)
        let limit = try limit("1/s burst 50 per tenant")
        for _ in 0..<50 { #expect(world.gateways[0].call([limit]).outcome.isAllowed) }
        world.failOver("martlet:{acme}:routes.test:limit:1s:tenant:i", to: nil)
        world.advance(.seconds(2))
        #expect(world.gateways[0].call([limit]).outcome.isAllowed)
        #expect(world.gateways[0].call([limit]).outcome.isAllowed)
        #expect(!world.gateways[0].call([limit]).outcome.isAllowed)
    }

    @Test("the next window begins at nothing")
    func nextWindow() throws {
        let world = try LeasingGateways(1, lease: nil)
        let limit = try limit("100/min per tenant")
        for _ in 0..<60 { _ = world.gateways[0].call([limit]) }
        world.failOver(Self.key, to: nil)
        world.advance(.seconds(60))
        #expect(world.gateways[0].call([limit]).verdict(at: 0).remaining == 99)
    }

    @Test("whatever is lost and whenever, exactly the limit passes", arguments: 1...12)
    func anyFailover(seed: UInt64) throws {
        let world = try LeasingGateways(3)
        let limit = try limit("2000/h per tenant")
        let key = "martlet:{acme}:routes.test:limit:1h:tenant:i"
        var random = RandomGenerator(seed: seed)
        var allowed = 0
        var replicated: String?
        for _ in 0..<40 {
            switch random.next() % 8 {
            case 0:
                world.settle()
                replicated = world.ask("GET", key)
            case 1:
                world.settle()
                world.failOver(key, to: replicated.flatMap { $0.isEmpty ? nil : $0 })
                replicated = nil
                // All have heard of it before it happens again.
                world.advance(.milliseconds(1400))
                for gateway in world.gateways where gateway.call([limit]).outcome.isAllowed { allowed += 1 }
                world.settle()
            case 2: world.advance(.milliseconds(Int64(random.next() % 700)))
            default:
                for _ in 0..<random.next() % 60 {
                    if world.gateways[Int(random.next() % 3)].call([limit]).outcome.isAllowed { allowed += 1 }
                }
            }
            if random.next() % 2 == 0 { world.settle() }
        }
        for _ in 0..<3 {
            world.advance(.milliseconds(1400))
            for gateway in world.gateways { for _ in 0..<2500 where gateway.call([limit]).outcome.isAllowed { allowed += 1 } }
        }
        #expect(allowed == 2000)
    }
}
