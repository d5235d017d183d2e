import Demo
import GRPC
import GRPCTesting
import Net
import Protobuf
import Sockets
import Testing
import Transport

/// The reflection client against the demo server's reflection.
struct DemoReflectionTests {
    @Test("reflection gives every service and the files of all, each once")
    func everything() throws {
        let worker = try TestWorker()
        let server = try DemoServer.start(at: SocketAddress("127.0.0.1:0")!, name: "blue", context: worker.context)
        let caller = try TestCaller(to: server.address!, worker: worker)
        var result: Result<ReflectionFetch.Answer, ReflectionFetch.Failure>?
        let fetch = ReflectionFetch(on: caller.connection, .init(authority: "test", isSecure: false)) { result = $0 }
        #expect(result == nil, "later")
        #expect(worker.run { result != nil })
        let answer = try #require(try result?.get())
        #expect(answer.version == .v1)
        #expect(answer.services == ["martlet.demo.v1.Demo", "grpc.health.v1.Health"])
        #expect(answer.withoutFile.isEmpty && answer.files.count == 2)
        let schema = try Schema(files: answer.files)
        #expect(schema.method(path: "/martlet.demo.v1.Demo/Chat") != nil)
        #expect(schema.method(path: "/grpc.health.v1.Health/Watch") != nil)
        withExtendedLifetime((server, fetch)) {}
    }

    @Test("a server that does not answer is given up at the time limit")
    func silence() throws {
        let worker = try TestWorker()
        let server = GRPCServer(context: worker.context)
        final class Silent: CallHandler {
            func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {}
            func requestEnded(_ call: GRPCCall) {}
        }
        // Only the older version, so that the newer one is refused first.
        server.register(ReflectionVersion.v1alpha.path, .streaming { _ in Silent() })
        let http = HTTPServer(name: "test", settings: .defaults, handler: server, context: worker.context)
        let listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { _ = http.serve($0) }
        let caller = try TestCaller(to: listener.address, worker: worker)
        var failure: ReflectionFetch.Failure?
        let fetch = ReflectionFetch(on: caller.connection, .init(authority: "test", isSecure: false)) {
            if case .failure(let reason) = $0 { failure = reason }
        }
        #expect(worker.run { server.callCount == 1 })
        worker.advance(by: .seconds(11))
        #expect(worker.run { failure != nil })
        guard case .refused(let status) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(status.code == .deadlineExceeded)
        withExtendedLifetime((listener, fetch)) {}
    }

    @Test("a server without reflection is said to have none")
    func unsupported() throws {
        let worker = try TestWorker()
        let server = GRPCServer(context: worker.context)
        let http = HTTPServer(name: "test", settings: .defaults, handler: server, context: worker.context)
        let listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { _ = http.serve($0) }
        let caller = try TestCaller(to: listener.address, worker: worker)
        var failure: ReflectionFetch.Failure?
        let fetch = ReflectionFetch(on: caller.connection, .init(authority: "test", isSecure: false)) {
            if case .failure(let reason) = $0 { failure = reason }
        }
        #expect(worker.run { failure != nil })
        #expect(failure == .unsupported)
        withExtendedLifetime((listener, fetch)) {}
    }
}
