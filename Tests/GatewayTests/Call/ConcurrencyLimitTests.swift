import GRPCTesting
import HTTPModel
import RateLimit
import Sockets
import Testing
import Upstreams

@testable import Filters
@testable import Gateway
@testable import Transport

/// Every way that a call can end releases what it holds of a limit on calls in flight.
@Suite struct ConcurrencyLimitTests {
    private let house: TestGateway
    private let backend: TestBackend
    private let caller: TestCaller

    init() throws {
        house = try TestGateway(
            route: ", limits: [1 at once], idempotent: true, retry: { on: [unavailable], attempts: 3 }, timeout: 30s")
        backend = try TestBackend(on: house.outside)
        try house.adopt([.address(backend.address)], generation: 2)
        caller = try house.caller()
    }

    private func begin(ended: Bool = true) -> TestCall {
        let call = caller.begin("/hold.S/Call", ended: ended)
        #expect(house.run { backend.held.count == 1 })
        #expect(caller.unary("/a.S/Call", []).status == "8")
        return call
    }

    /// The next call is admitted.
    private func isFree() -> Bool {
        _ = house.run { house.gateway.callCount == 0 }
        return caller.unary("/a.S/Call", []).status == "0"
    }

    @Test("answered")
    func answered() {
        let call = begin()
        backend.answer(backend.held[0])
        #expect(house.run { call.isOver } && isFree())
    }

    @Test("cancelled by its caller")
    func cancelled() {
        begin().reset()
        #expect(isFree())
    }

    @Test("its caller's connection is lost")
    func disconnected() throws {
        let other = try house.caller()
        _ = other.begin("/hold.S/Call", ended: true)
        #expect(house.run { backend.held.count == 1 } && caller.unary("/a.S/Call", []).status == "8")
        other.connection.channel.abort()
        #expect(isFree())
    }

    @Test("reset by its upstream")
    func reset() {
        let call = begin()
        backend.drop(backend.held[0], .reset(.internalError))
        #expect(house.run { call.isOver } && isFree())
    }

    @Test("its upstream is gone")
    func lost() throws {
        let call = begin()
        backend.stop()
        // It is tried again.
        for _ in 0..<5 { house.outside.advance(by: .seconds(1)) }
        #expect(house.run { call.isOver })
        let other = try TestBackend(on: house.outside)
        try house.adopt([.address(other.address)], generation: 3)
        #expect(isFree())
    }

    @Test("its time is up")
    func deadline() {
        let call = begin()
        house.outside.advance(by: .seconds(31))
        #expect(house.run { call.isOver } && isFree())
    }

    @Test("ended by the gateway, which leaves")
    func ended() {
        let call = begin()
        house.gateway.endAll()
        #expect(house.run { call.isOver } && isFree())
    }

    @Test("a call that is tried again holds one place, and holds it until the last attempt is over")
    func retried() {
        backend.script = [.status(14), .hold]
        let call = caller.begin("/hold.S/Call", ended: true)
        #expect(house.run { backend.paths.count == 1 })
        house.outside.advance(by: .seconds(1))
        #expect(house.run { backend.held.count == 1 && backend.paths.count == 2 })
        #expect(caller.unary("/a.S/Call", []).status == "8")
        backend.answer(backend.held[0])
        #expect(house.run { call.isOver } && isFree())
    }

    @Test("a stream holds its place for as long as it lives")
    func stream() {
        backend.script = [.head]
        let call = caller.begin("/hold.S/Call")
        #expect(house.run { backend.held.count == 1 && !call.head.isEmpty })
        for _ in 0..<3 {
            house.outside.advance(by: .seconds(5))
            #expect(caller.unary("/a.S/Call", []).status == "8")
        }
        backend.reply(backend.held[0], .reset(.cancel))
        call.finish()
        #expect(house.run { call.isOver } && isFree())
    }

    @Test("a call that began before a reload releases what the next configuration counts")
    func reload() throws {
        let call = begin()
        try house.adopt([.address(backend.address)], generation: 3)
        #expect(caller.unary("/a.S/Call", []).status == "8")
        backend.answer(backend.held[0])
        #expect(house.run { call.isOver } && isFree())
    }
}
