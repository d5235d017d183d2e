import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import Sockets
import Testing
import Time
import Transport

struct UnaryClientTests {
    /// What a completion was given.
    private final class Result {
        var status: CallStatus?
        var reply: [UInt8] = []
    }

    private func client(_ served: Served, to address: SocketAddress? = nil) -> UnaryClient {
        UnaryClient(
            to: address ?? served.listener.address, settings: .init(authority: "test"), context: served.worker.context,
            seed: 3)
    }

    private func call(
        _ client: UnaryClient, _ path: StaticString = "/test.Test/Double", _ message: [UInt8] = [4],
        timeout: Duration = .seconds(5)
    ) -> Result {
        let result = Result()
        client.call(path, timeout: timeout, write: { $0.append(message) }) { answer in
            #expect(result.status == nil, "once")
            result.status = answer.status
            result.reply = Array(answer.reply)
        }
        #expect(result.status == nil, "later")
        return result
    }

    @Test("calls wait for the connection, and are then answered")
    func answers() throws {
        let served = try Served()
        var timeouts: [String] = []
        served.unary.seen = { timeouts.append($0.timeoutText) }
        let client = client(served)
        let results = (0..<5).map { call(client, "/test.Test/Double", [UInt8($0)]) }
        #expect(served.worker.run { results.allSatisfy { $0.status != nil } })
        #expect(results.map(\.reply) == (0..<5).map { [UInt8($0), UInt8($0)] })
        #expect(results.allSatisfy { $0.status == .ok })
        #expect(timeouts == Array(repeating: "5000000u", count: 5))
    }

    @Test("a refusal comes with its code and message")
    func refusal() throws {
        let served = try Served()
        served.unary.refusal = CallStatus(.notFound, "größe")
        let client = client(served)
        let result = call(client)
        #expect(served.worker.run { result.status != nil })
        #expect(result.status == CallStatus(.notFound, "größe"))
    }

    @Test("a call without an answer ends at its deadline, and the server is told")
    func deadline() throws {
        let served = try Served()
        served.unary.isLater = true
        let client = client(served)
        let result = call(client, timeout: .milliseconds(50))
        #expect(served.worker.run { served.unary.kept != nil })
        served.worker.advance(by: .milliseconds(52))
        #expect(result.status?.code == .deadlineExceeded)
        #expect(served.worker.run { served.server.callCount == 0 })
    }

    @Test("a server that cannot be reached is UNAVAILABLE, and tried again after a pause")
    func unreachable() throws {
        let served = try Served()
        // A port that was free a moment ago.
        let gone = try ListeningSocket(on: served.worker.loop, at: SocketAddress("127.0.0.1:0")!) { $0.refuse() }
        let address = gone.address
        gone.close()
        let client = client(served, to: address)
        let first = call(client)
        #expect(served.worker.run { first.status != nil })
        #expect(first.status?.code == .unavailable)
        // Within the pause nobody dials: the call waits.
        let second = call(client)
        served.worker.settle()
        #expect(second.status == nil)
        served.worker.advance(by: .milliseconds(150))
        #expect(served.worker.run { second.status?.code == .unavailable })
    }

    @Test("after the connection broke, the next call makes another")
    func reconnects() throws {
        let served = try Served()
        let client = client(served)
        let first = call(client)
        #expect(served.worker.run { first.status == .ok })
        served.unary.isLater = true
        let lost = call(client)
        #expect(served.worker.run { served.unary.kept != nil })
        served.http.end()
        #expect(served.worker.run { lost.status != nil })
        #expect(lost.status?.code == .unavailable)
        served.unary.isLater = false
        let next = call(client)
        served.worker.advance(by: .seconds(1))
        #expect(served.worker.run { next.status == .ok })
    }
}
