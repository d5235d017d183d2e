import Bytes
import GRPCTesting
import HTTPModel
import Net
import Sockets

@testable import Transport

/// A gRPC server that holds calls whose path begins with /hold, and answers others at once: with OK or UNAVAILABLE, in the head
/// or, for paths that begin with /trail, in trailers.
final class TestBackend: StreamHandler {
    private(set) var held: [StreamPointer] = []
    private(set) var paths: [String] = []
    /// Connections that have come.
    private(set) var accepted = 0
    /// It answers UNAVAILABLE.
    var isFailing = false
    /// How the next calls go, one after the other, whatever their path.
    var script: [Reply] = []
    /// `grpc-previous-rpc-attempts` of each call; empty for none.
    private(set) var previousAttempts: [String] = []
    /// Hears of the fields of each call.
    var headSeen: (([String: String]) -> Void)?
    /// What has come of bodies.
    private(set) var bodyBytes = 0
    /// Whether it takes what callers send.
    var takesBodies = true
    private let worker: TestWorker
    private var server: HTTPServer!
    private var socket: ListeningSocket!

    enum Reply {
        /// In the head, or behind a head, or behind a head and a body.
        case status(Int, _ place: Place = .head, pushback: String? = nil)
        /// HTTP, and no gRPC.
        case http(Int)
        case reset(ErrorCode)
        /// Nothing, until the test says so.
        case hold
        /// These fields in trailers, or behind the head's own.
        case fields([(String, String)], inHead: Bool)
        /// A head with these fields, and what follows when the test says so.
        case headWith([(String, String)])
        /// A head, and what follows when the test says so.
        case head

        enum Place { case head, trailers, afterBody }
    }

    init(
        on worker: TestWorker, at address: SocketAddress = SocketAddress("127.0.0.1:0")!, streams: UInt32 = 100,
        change: (inout ConnectionLimits) -> Void = { _ in }
    ) throws {
        self.worker = worker
        var settings = HTTPServerSettings.defaults
        settings.session.streams = streams
        change(&settings.session)
        server = HTTPServer(name: "backend", settings: settings, handler: self, context: worker.context)
        socket = try ListeningSocket(on: worker.loop, at: address) { [unowned self] in
            accepted += 1
            _ = server.serve($0)
        }
    }

    deinit { stop() }

    var address: SocketAddress { socket.address }
    var connectionCount: Int { server.connectionCount }

    /// GOAWAY on every connection; it goes on to listen, as another process at its address would.
    func leave() {
        let former = server!
        leaving.append(former)
        server = HTTPServer(name: "backend", settings: former.settings, handler: self, context: worker.context)
        former.beginDrain()
    }
    private var leaving: [HTTPServer] = []

    /// Ends at once, with everything on it.
    func stop() {
        for server in leaving + [server!] { server.end() }
        socket.close()
    }

    func answer(_ stream: StreamPointer) {
        held.removeAll { $0 == stream }
        let fields = [Field("grpc-status", isFailing ? "14" : "0", token: .grpcStatus)]
        guard stream.fields.text(":path")!.hasPrefix("/trail") else { return respond(stream, fields, ended: true) }
        respond(stream, [], ended: false)
        let kept = stream.fields.reserveFields(fields.count)
        _ = kept.initialize(from: fields)
        stream.connection { $0.finish(stream, trailers: kept) }
    }

    /// An answer's head, and a body that goes on.
    func pour(_ stream: StreamPointer, bytes: Int) {
        respond(stream, [], ended: false)
        let body = [UInt8](repeating: 0, count: bytes)
        body.withUnsafeBytes { body in stream.connection { $0.send(stream, body) } }
    }

    /// Answers UNAVAILABLE.
    func fail(_ stream: StreamPointer) { drop(stream, .status(14)) }

    /// Answers a call that was held.
    func drop(_ stream: StreamPointer, _ reply: Reply) {
        held.removeAll { $0 == stream }
        self.reply(stream, reply)
    }

    func reply(_ stream: StreamPointer, _ reply: Reply) {
        switch reply {
        case .hold: held.append(stream)
        case .head:
            held.append(stream)
            respond(stream, [], ended: false)
        case .headWith(let fields):
            held.append(stream)
            respond(stream, fields.map { stream.fields.made($0, $1) }, ended: false)
        case .fields(let fields, let inHead):
            let made = fields.map { stream.fields.made($0, $1) }
            guard !inHead else { return respond(stream, made, ended: true) }
            respond(stream, [], ended: false)
            end(stream, made)
        case .reset(let code): stream.connection { $0.reset(stream, code) }
        case .http(let status):
            let fields = [stream.fields.made(":status", "\(status)")]
            fields.withUnsafeBufferPointer { fields in
                stream.serverConnection { $0.respond(stream, fields, ended: true) }
            }
        case .status(let code, let place, let pushback):
            var fields = [stream.fields.made("grpc-status", "\(code)")]
            if let pushback { fields.append(stream.fields.made("grpc-retry-pushback-ms", pushback)) }
            guard place != .head else { return respond(stream, fields, ended: true) }
            respond(stream, [], ended: false)
            if place == .afterBody {
                ([0, 0, 0, 0, 1, 7] as [UInt8]).withUnsafeBytes { body in stream.connection { $0.send(stream, body) } }
            }
            let kept = stream.fields.reserveFields(fields.count)
            _ = kept.initialize(from: fields)
            stream.connection { $0.finish(stream, trailers: kept) }
        }
    }

    /// Ends an answer that has begun.
    func end(_ stream: StreamPointer, _ fields: [Field]) {
        let kept = stream.fields.reserveFields(fields.count)
        _ = kept.initialize(from: fields)
        stream.connection { $0.finish(stream, trailers: kept) }
    }

    private func respond(_ stream: StreamPointer, _ more: [Field], ended: Bool) {
        let fields =
            [
                Field(":status", "200", token: .status), Field("content-type", "application/grpc", token: .contentType),
            ] + more
        fields.withUnsafeBufferPointer { fields in
            stream.serverConnection { $0.respond(stream, fields, ended: ended) }
        }
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let path = stream.fields.text(":path")!
        paths.append(path)
        headSeen?(
            Dictionary((0..<stream.fields.count).map { stream.fields[$0] }.map { ($0.nameText, $0.valueText) }) {
                $1
            })
        previousAttempts.append(stream.fields.text("grpc-previous-rpc-attempts") ?? "")
        if !script.isEmpty { return reply(stream, script.removeFirst()) }
        if path.hasPrefix("/hold") { held.append(stream) } else { answer(stream) }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        bodyBytes += slice.count
        if takesBodies { stream.connection { $0.consumed(stream, slice.count) } }
    }

    func streamEnded(_ stream: StreamPointer) {}

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { held.removeAll { $0 == stream } }
}

extension FieldBlock {
    /// A field whose bytes lie in this arena.
    fileprivate mutating func made(_ name: String, _ value: String) -> Field {
        append(name, value)
        return self[count - 1]
    }
}

extension ConnectionLimits {
    static func with(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits.defaults
        change(&limits)
        return limits
    }
}
