import Balancing
import GRPCTesting
import HTTP2
import Testing

@testable import Gateway

@Suite("Calls that are tried again")
struct RetryTests {
    /// A gateway in front of `count` backends, in turn, with a retry policy.
    private func house(_ count: Int = 2, retry: String, route: String = "") throws -> (TestGateway, [TestBackend]) {
        let gateway = try TestGateway(route: ", retry: { \(retry) }\(route)")
        let backends = try (0..<count).map { _ in try TestBackend(on: gateway.outside) }
        try gateway.adopt(backends.map { .address($0.address) }, generation: 2)
        return (gateway, backends)
    }

    private func calls(_ backends: [TestBackend]) -> Int { backends.reduce(0) { $0 + $1.paths.count } }

    /// Turns, and moves the clock a little, until the call is over.
    private func finish(_ call: TestCall, in gateway: TestGateway) -> Bool {
        for _ in 0..<600 where !call.isOver { gateway.outside.advance(by: .milliseconds(5), steps: 1) }
        return call.isOver
    }

    private func unary(_ gateway: TestGateway, _ caller: GRPCTesting.TestCaller, _ path: String = "/a.S/Call") -> TestCall {
        let call = caller.begin(path)
        call.send(message: [1, 2, 3])
        call.finish()
        #expect(finish(call, in: gateway))
        return call
    }

    @Test("a failure is forgotten, wherever its status stands, and another endpoint asked",
        arguments: [TestBackend.Reply.Place.head, .trailers])
    func status(place: TestBackend.Reply.Place) throws {
        let (gateway, backends) = try house(retry: "on: [unavailable]")
        let caller = try gateway.caller()
        backends[0].script = [.status(14, place)]
        let paths = (0..<2).map { "/a.S/\($0)" }
        for path in paths { #expect(unary(gateway, caller, path).status == "0") }
        #expect(calls(backends) == 3 && backends[0].script.isEmpty)
        #expect(paths.contains { path in backends.allSatisfy { $0.paths.contains(path) } })
        #expect(backends.flatMap(\.previousAttempts).filter { !$0.isEmpty } == ["1"])
        #expect(gateway.gateway.current.clusters[0].record.usage.retries == 0)
        #expect(gateway.gateway.current.clusters[0].record.usage.requests == 0)
    }

    @Test("once a byte of the answer has gone to the caller, its failure is the caller's")
    func committed() throws {
        let (gateway, backends) = try house(1, retry: "on: [unavailable], attempts: 5")
        backends[0].script = [.status(14, .afterBody)]
        let call = unary(gateway, try gateway.caller())
        #expect(call.status == "14" && calls(backends) == 1)
        #expect(call.messages == [[7]], "\(call.bodyBytes) \(call.head) \(call.trailers)")
    }
}
