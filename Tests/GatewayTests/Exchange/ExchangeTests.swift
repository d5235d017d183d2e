import Bytes
import GRPC
import GatewayModel
import Reactor
import Routing
import Testing
import Time

@testable import Gateway

@Suite struct ExchangeTests {
    /// What `finish` leaves: the next `begin` sets these.
    private static let left: Set<String> = ["worker", "generation", "began", "timer", "attempt"]

    private static func texts(_ exchange: Exchange) -> [String: String] {
        var texts: [String: String] = [:]
        for child in Mirror(reflecting: exchange).children where !left.contains(child.label!) {
            texts[child.label!] = "\(child.value)"
        }
        return texts
    }

    @Test("a finished exchange is as a new one, field for field, but for its generation")
    func finish() {
        let timer = UnsafeMutablePointer<TimerNode>.allocate(capacity: 1)
        defer { timer.deallocate() }
        let attempt = AttemptPointer.allocate(capacity: 1)
        defer { attempt.deallocate() }
        attempt.initialize(to: Attempt(timer: timer))
        let chunks = ChunkPool()
        var exchange = Exchange(timer: timer, attempt: attempt)
        let fresh = Self.texts(exchange)
        #expect(fresh.count > 22)

        exchange.phase = .responding
        exchange.flags = [.requestEnded, .localReply]
        exchange.clientProtocol = .grpc
        exchange.filterIndex = 3
        [1, 2, 3].withUnsafeBytes { exchange.body.append($0, from: chunks) }
        exchange.bodyBytesMax = 10
        exchange.bodyConsumed = 1
        exchange.trial = Trial(.retry(RetryPolicy(conditions: RetryConditions(), attempts: 2)))
        exchange.attempts = 2
        exchange.upstreamNanoseconds = 1
        exchange.deadline = Instant(nanoseconds: 1)
        [0, 0].withUnsafeBytes { exchange.boundary.pass($0) }
        exchange.outcome.flag = "DC"
        exchange.recordShadow("rule")
        let here = UnsafeRawBufferPointer(start: timer, count: 1)
        exchange.requestID = here
        exchange.origin = ClientOrigin(peer: nil)
        let before = Self.texts(exchange)
        #expect(before.filter { fresh[$0.key] != $0.value }.count >= 15)

        let generation = exchange.generation
        exchange.finish(pool: chunks)
        #expect(Self.texts(exchange) == fresh)
        #expect(exchange.generation == generation + 1)
        #expect(chunks.bytesInUse == 0)
    }
}
