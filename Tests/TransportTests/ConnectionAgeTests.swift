import GRPCTesting
import HTTPModel
import Reactor
import Testing

@testable import Transport

/// With a server and callers of its own, on a clock that the test moves.
@Suite("Connections of age")
struct ConnectionAgeTests {
    private static let age = Duration.seconds(100)

    @Test("a connection of age is told to go between nine and eleven tenths of it, and closes with its last stream")
    func age() throws {
        let served = try HTTPServerTests.Served {
            $0.age = Self.age; $0.ageGrace = nil
        }
        var aged = 0
        served.server.connectionAged = { aged += 1 }
        let caller = try served.caller()
        let call = caller.begin("/silent")
        #expect(served.worker.run { served.handler.begun == 1 })
        served.worker.advance(by: .seconds(89), steps: 89)
        #expect(aged == 0)
        served.worker.advance(by: .seconds(24), steps: 24)
        #expect(aged == 1)
        #expect(!caller.connection.hasRoom && !call.isGone && !caller.isClosed)
        // Without a grace, what runs may run on.
        served.worker.advance(by: .seconds(100), steps: 10)
        #expect(!call.isGone)
        let stream = try #require(served.handler.live.first)
        served.handler.respond(stream, ended: true)
        call.finish()
        #expect(served.worker.run { caller.isClosed })
        #expect(call.close == .complete)
    }

    @Test("streams that run on are ended with the grace")
    func grace() throws {
        let served = try HTTPServerTests.Served {
            $0.age = Self.age; $0.ageGrace = .seconds(20)
        }
        let caller = try served.caller()
        let call = caller.begin("/silent")
        #expect(served.worker.run { served.handler.begun == 1 })
        served.worker.advance(by: .seconds(108), steps: 108)
        #expect(!call.isGone)
        served.worker.advance(by: .seconds(26), steps: 26)
        #expect(served.worker.run { call.isGone && caller.isClosed })
        #expect(call.close == .reset(8))
    }

    @Test("connections that began together do not end together")
    func jitter() throws {
        let served = try HTTPServerTests.Served {
            $0.age = .seconds(1000); $0.idle = nil
        }
        var ages: [Int] = []
        var second = 0
        served.server.connectionAged = { ages.append(second) }
        let callers = try (0..<32).map { _ in try served.caller() }
        for _ in 0..<1200 {
            second += 1
            served.worker.clock.advance(by: .seconds(1))
            served.worker.loop.tick(wait: false)
        }
        #expect(ages.count == callers.count)
        #expect(ages.allSatisfy { (900...1102).contains($0) })
        #expect(Set(ages).count > 4)
    }

    @Test("idle connections make room, those with a call stay")
    func room() throws {
        let served = try HTTPServerTests.Served()
        let (busy, idle) = (try served.caller(), try served.caller())
        _ = busy.begin("/silent")
        #expect(served.worker.run { served.handler.begun == 1 })
        served.server.closeIdle(after: .seconds(1))
        served.worker.settle()
        #expect(!idle.isClosed)
        served.worker.advance(by: .seconds(2))
        served.server.closeIdle(after: .seconds(1))
        #expect(served.worker.run { idle.isClosed })
        #expect(busy.connection.hasRoom)
    }
}
