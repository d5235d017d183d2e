import Bytes
import GRPC
import GRPCTesting
import HTTPModel
import Net
import Sockets
import Testing
import Transport

/// A gRPC server on a port of the kernel's choice, a caller on the same loop, and methods of every kind.
final class Served {
    let server: GRPCServer
    let http: HTTPServer
    let listener: ListeningSocket
    let caller: TestCaller
    let unary = Doubler()
    let health = HealthService()
    /// Handlers of streaming calls, in the order they began.
    private(set) var streams: [Recorder] = []
    var onMessage: ((GRPCCall, [UInt8]) -> Void)?
    /// Last, for it must outlive the others.
    let worker: TestWorker

    init(messageBytesMax: UInt32 = 1 << 20, callerLimits: ConnectionLimits = .defaults) throws {
        worker = try TestWorker()
        server = GRPCServer(context: worker.context, messageBytesMax: messageBytesMax)
        http = HTTPServer(name: "test", settings: .defaults, handler: server, context: worker.context)
        let http = http
        listener = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { _ = http.serve($0) }
        caller = try TestCaller(to: listener.address, worker: worker, limits: callerLimits)
        server.register("/test.Test/Double", .unary(unary))
        server.register("/test.Test/Many", .serverStreaming { [unowned self] _ in recorder() })
        server.register("/test.Test/Stream", .streaming { [unowned self] _ in recorder() })
        health.register(on: server)
    }

    private func recorder() -> Recorder {
        let recorder = Recorder { [unowned self] in onMessage?($0, $1) }
        streams.append(recorder)
        return recorder
    }
}

/// Gives the request back twice; at once, later, or not at all.
final class Doubler: UnaryMethod {
    var refusal: CallStatus?
    var isLater = false
    var kept: CallReference?
    var seen: ((GRPCCall) -> Void)?

    func answer(_ call: GRPCCall, _ request: UnsafeRawBufferPointer, _ reply: inout ByteBuffer) -> UnaryAnswer {
        seen?(call)
        if isLater {
            kept = call.reference
            return .later
        }
        reply.append(request)
        reply.append(request)
        return refusal.map { .failed($0) } ?? .done
    }
}

/// Notes what a streaming handler hears.
final class Recorder: CallHandler {
    var events: [String] = []
    var messages: [[UInt8]] = []
    var reference: CallReference?
    private let onMessage: (GRPCCall, [UInt8]) -> Void

    init(_ onMessage: @escaping (GRPCCall, [UInt8]) -> Void) { self.onMessage = onMessage }

    func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
        reference = call.reference
        messages.append(Array(message))
        events.append("message")
        onMessage(call, Array(message))
    }

    func requestEnded(_ call: GRPCCall) {
        reference = call.reference
        events.append("ended")
    }

    func drained(_ call: GRPCCall) { events.append("drained") }
    func cancelled(_ call: GRPCCall) { events.append("cancelled") }
}
