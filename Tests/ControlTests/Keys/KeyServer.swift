import Bytes
import GRPCTesting
import Gateway
import HTTPModel
import JOSE
import Net
import Random
import Reactor
import Snapshots
import Sockets
import Synchronization
import TLS
import TLSTesting
import Time
import Transport
import Upstreams

@testable import Control

/// An HTTPS server of key sets on the refresher's own loop: HTTP/1.1 by our own hand.
final class KeyServer: StreamHandler {
    struct Answer {
        var status = "200"
        var body = ""
        var fields: [(String, String)] = []
    }

    var answer = Answer()
    /// Of other paths than the key set's.
    var others: [String: Answer] = [:]
    /// Takes requests and answers none.
    var isHolding = false
    private(set) var requests: [String] = []
    private let context: WorkerContext
    private var server: HTTPServer!
    private var socket: ListeningSocket!
    nonisolated(unsafe) static let authority = TestAuthority("Key Test Root")

    init(_ worker: TestWorker, names: String = "DNS:keys.test") throws {
        context = worker.context
        var settings = HTTPServerSettings.defaults
        settings.protocols = [.http1]
        server = HTTPServer(name: "keys", settings: settings, handler: self, context: context)
        let issued = Self.authority.issue("keys.test", names: names)
        var tls = ServerSettings(listenerName: "keys", identities: [try Identity(chain: issued.certificate, key: issued.key)])
        tls.applicationProtocols = [.http1]
        server.tls = try ServerContext(tls, ticketKeys: TicketKeys(now: Instant(nanoseconds: 0)))
        socket = try ListeningSocket(on: worker.loop, at: SocketAddress("127.0.0.1:0")!) { [unowned self] in
            _ = server.serve($0)
        }
    }

    deinit { stop() }

    /// Nothing listens there any more.
    func stop() {
        server.end()
        socket.close()
    }

    var port: UInt16 { socket.address.port! }

    func source(path: String = "/jwks.json", trusting authorities: [UInt8]? = KeyServer.authority.pem) -> KeySetSource {
        KeySetSource(
            endpoint: .name("keys.test", port: port), authority: "keys.test:\(port)", path: path, authorities: authorities,
            rsaAlgorithm: .rs256)
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let path = stream.pointee.fields.text(":path")!
        requests.append(path)
        guard !isHolding else { return }
        let answer = others[path] ?? answer
        var block = FieldBlock()
        block.append(":status", answer.status)
        for (name, value) in answer.fields { block.append(name, value) }
        stream.serverConnection { connection in
            connection.respond(stream, block.all, ended: answer.body.isEmpty)
            guard !answer.body.isEmpty else { return }
            Array(answer.body.utf8).withUnsafeBytes { connection.send(stream, $0) }
            connection.finish(stream)
        }
        block.destroy()
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {}
    func streamEnded(_ stream: StreamPointer) {}
    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
}

/// Knows what a test tells it, and answers in the same breath.
final class KnownHosts: HostResolver {
    var addresses: [String: [SocketAddress]] = ["keys.test": [SocketAddress("127.0.0.1:0")!]]
    private(set) var asked: [String] = []

    func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void) {
        asked.append(name)
        completion(addresses[name] ?? [])
    }
}

/// A refresher, what it fetched and what it said.
final class Kept {
    let worker: TestWorker
    let hosts = KnownHosts()
    let refresher: KeySetRefresher
    private(set) var fetched: [[String]] = []
    private(set) var isSettled = false
    private let said = Said()

    private final class Said: Sendable {
        let lines = Mutex<[String]>([])
    }

    init(_ worker: TestWorker) {
        self.worker = worker
        let said = said
        refresher = KeySetRefresher(
            context: worker.context, resolver: hosts,
            diagnostics: Diagnostics(to: { line in said.lines.withLock { $0.append(line) } }),
            random: RandomGenerator(seed: 1))
        refresher.fetched = { [unowned self] keys, _ in
            fetched.append(keys.keys.map { String(decoding: $0.keyID ?? [], as: UTF8.self) })
        }
        refresher.settled = { [unowned self] in isSettled = true }
    }

    var lines: [String] { said.lines.withLock { $0 } }

    /// Moves time on, and turns until what that began is over.
    func advance(by duration: Duration) { worker.advance(by: duration, steps: 1) }
}

enum Documents {
    /// RFC 7515, appendix A.3.1.
    static func keys(_ names: String...) -> String {
        let keys = names.map {
            #"{"kty":"EC","crv":"P-256","alg":"ES256","kid":"\#($0)","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
        }
        return #"{"keys":[\#(keys.joined(separator: ","))]}"#
    }

    static let symmetric =
        #"{"keys":[{"kty":"oct","alg":"HS256","kid":"s","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#
}
