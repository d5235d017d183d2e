import Bytes
import CNghttp2
import GRPCTesting
import HTTPModel
import Sockets
import Testing

@testable import HTTP2
@testable import Transport

/// Connections whose codec fails, or has no identifiers left.
@Suite("Connections and failures of their codec")
struct CodecFailureTests {
    private static func session(of connection: Connection) throws -> Session {
        guard case .http2(let session) = connection.codec else { throw NotHTTP2() }
        return session
    }

    private struct NotHTTP2: Error {}

    @Test("a codec that fails while a call is answered ends its connection, whose streams are told and whose peer gets GOAWAY")
    func server() throws {
        let served = try HTTPServerTests.Served()
        var faults: [ConnectionFault] = []
        served.worker.context.connectionFaulted = { faults.append($0) }
        let caller = try TestCaller(to: served.listener.address, worker: served.worker)
        let call = caller.begin("/silent")
        #expect(served.worker.run { served.handler.live.count == 1 })
        let stream = try #require(served.handler.live.first)
        stream.connection { if case .http2(let session) = $0.codec { session.check(NGHTTP2_ERR_NOMEM.rawValue) } }
        served.handler.respond(stream, ended: true)
        #expect(served.worker.run { caller.isClosed })
        #expect(call.head.isEmpty && call.close == .connectionLost)
        #expect(served.worker.run { served.handler.closed.count == 1 })
        #expect(served.handler.closed == [.connectionLost])
        #expect(faults.map(\.fault) == [.internalError])
        #expect(faults.map(\.isDownstream) == [true])
    }

    @Test("so does one that fails as a request is begun")
    func client() throws {
        let served = try HTTPServerTests.Served()
        let caller = try TestCaller(to: served.listener.address, worker: served.worker)
        let running = caller.begin("/silent")
        #expect(served.worker.run { served.handler.live.count == 1 })
        try Self.session(of: caller.connection).check(NGHTTP2_ERR_NOMEM.rawValue)
        let refused = caller.begin("/silent")
        #expect(refused.stream == nil)
        #expect(served.worker.run { caller.isClosed })
        #expect(running.close == .connectionLost)
        #expect(served.worker.run { served.handler.closed.count == 1 })
    }

    @Test("a connection that has used its last stream identifier takes no more requests, and closes with the last")
    func lastIdentifier() throws {
        let served = try HTTPServerTests.Served()
        let caller = try TestCaller(to: served.listener.address, worker: served.worker)
        #expect(nghttp2_session_set_next_stream_id(try Self.session(of: caller.connection).handle, .max - 2) == 0)
        let first = caller.unary("/echo", [1])
        #expect(first.messages == [[1]] && caller.connection.hasRoom && !caller.isDraining)
        let last = caller.begin("/echo")
        served.worker.advance(by: .milliseconds(5))
        #expect(caller.isDraining && !caller.connection.hasRoom && !caller.isClosed)
        last.send(message: [2])
        last.finish()
        #expect(served.worker.run { caller.isClosed })
        #expect(last.messages == [[2]] && last.close == .complete)
    }
}
