import Bytes
import GRPCTesting
import HTTPModel
import Net
import Sockets
import TLS
import TLSTesting
import Time

@testable import Transport

/// Answers every request with its path, and keeps those below /held.
final class PathHandler: StreamHandler {
    private let context: WorkerContext
    private(set) var held: [StreamPointer] = []
    private(set) var closes: [StreamClose] = []
    private(set) var bodyBytes = 0
    private(set) var protocols: [String] = []
    var accepts = true

    init(_ context: WorkerContext) { self.context = context }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        protocols.append(stream.serverConnection { "\($0.protocolName)" })
        if stream.fields.text(":path")!.hasPrefix("/held") { held.append(stream) } else { answer(stream) }
    }

    func answer(_ stream: StreamPointer) {
        held.removeAll { $0 == stream }
        let scratch = context.fieldScratch
        scratch[0] = Field(":status", "200", token: .status)
        let path = stream.fields.first(.path)!.valueBytes
        stream.serverConnection {
            $0.respond(stream, UnsafeBufferPointer(start: scratch.baseAddress, count: 1), ended: false)
            $0.send(stream, path)
            $0.finish(stream)
        }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        bodyBytes += slice.count
        if accepts { stream.connection { $0.consumed(stream, slice.count) } }
    }

    func accept(_ stream: StreamPointer) {
        stream.connection { $0.consumed(stream, stream.unconsumed) }
    }

    func streamEnded(_ stream: StreamPointer) {}

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        held.removeAll { $0 == stream }
        closes.append(reason)
    }
}

/// A listener with such a handler.
final class PathServer {
    let worker: TestWorker
    let handler: PathHandler
    let server: HTTPServer
    private var socket: ListeningSocket!

    init(
        protocols: [ApplicationProtocol] = [.http2, .http1], tls: ServerContext? = nil,
        _ change: (inout HTTPServerSettings) -> Void = { _ in }
    ) throws {
        worker = try TestWorker()
        handler = PathHandler(worker.context)
        var settings = HTTPServerSettings.defaults
        settings.protocols = protocols
        change(&settings)
        server = HTTPServer(name: "test", settings: settings, handler: handler, context: worker.context)
        server.tls = tls
        socket = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { [unowned self] in
            _ = server.serve($0)
        }
    }

    deinit {
        server.end()
        socket.close()
    }

    var address: SocketAddress { socket.address }

    func call(tls: ClientContext? = nil) throws -> PlainCaller {
        try PlainCaller(to: address, tls: tls.map { ($0, ServerName("a.test")!) }, worker: worker)
    }

    /// Until the caller has received `text`.
    func run(_ caller: PlainCaller, until text: String) -> Bool { worker.run { caller.received.contains(text) } }
}

enum TestTLS {
    nonisolated(unsafe) static let authority = TestAuthority("Test Root")

    static func server(_ protocols: [ApplicationProtocol]) throws -> ServerContext {
        let issued = authority.issue("a.test", names: "DNS:a.test")
        var settings = ServerSettings(listenerName: "test", identities: [try Identity(chain: issued.certificate, key: issued.key)])
        settings.applicationProtocols = protocols
        return try ServerContext(settings, ticketKeys: TicketKeys(now: Instant(nanoseconds: 0)))
    }

    static func client(_ protocols: [ApplicationProtocol]) throws -> ClientContext {
        var settings = ClientSettings(authorities: try CertificateAuthorities(pem: authority.pem))
        settings.applicationProtocols = protocols
        return try ClientContext(settings)
    }
}
