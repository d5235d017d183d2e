internal import Bytes
internal import Config
internal import Gateway
internal import HTTPModel
internal import Metrics
internal import Net
internal import Reactor
internal import Sockets
internal import TLS
internal import Telemetry
internal import Transport
internal import Upstreams

/// The admin address: `/live`, `/ready`, `/metrics`, `/clusters` and `/quota/…`, for probes, for Prometheus and for people.
final class Admin: StreamHandler {
    var isReady = false
    /// Why not, where that is known.
    var notReadyReason: String?
    /// What is known of endpoints; `nil` where there are none.
    var clusters: (() -> ClusterReport)?
    /// The rules of a rate-limit service, for people; `nil` where there are none.
    var rules: (() -> String)?
    /// What is looked at and done about tenants.
    var quotas: AdminQuotas?
    /// Metrics that the registry does not have.
    var moreFamilies: (() -> [MetricFamily])?
    private let registry: MetricRegistry
    /// Access-log lines that were lost; `nil` where there is no log.
    private let lost: (() -> UInt64)?
    private var server: HTTPServer!
    private var socket: ListeningSocket!
    private let context: WorkerContext
    private var body = ByteBuffer(capacity: 16 << 10)

    var address: SocketAddress { socket.address }

    /// Opens the address that a configuration names.
    static func open(
        _ wanted: NetworkAddress, registry: MetricRegistry, lost: (() -> UInt64)? = nil, context: WorkerContext
    ) throws(StartFailure) -> Admin {
        guard let address = SocketAddress(wanted) else {
            throw StartFailure(message: "cannot listen on \(wanted) for admin: not an address")
        }
        do throws(SystemError) {
            return try Admin(at: address, registry: registry, lost: lost, context: context)
        } catch {
            throw StartFailure(message: "cannot listen on \(address) for admin: \(error)")
        }
    }

    private init(
        at address: SocketAddress, registry: MetricRegistry, lost: (() -> UInt64)?, context: WorkerContext
    ) throws(SystemError) {
        self.registry = registry
        self.lost = lost
        self.context = context
        var settings = HTTPServerSettings.defaults
        settings.protocols = [.http2, .http1]
        settings.connections = Self.connectionsMax
        // A few large answers at a time are enough, and a slow reader holds none for long.
        settings.session.streams = 8
        settings.handshake = .seconds(2)
        settings.idle = .seconds(20)
        settings.streamIdle = .seconds(10)
        settings.stall = .seconds(5)
        server = HTTPServer(name: "admin", settings: settings, handler: self, context: context)
        // A probe is answered even where the callers of the gateway have all descriptors, and in a storm of connections.
        let reserve = ListeningSocket.Reserve(spares: 4, acceptsPerTick: Self.connectionsMax / 4) { [unowned self] in
            server.makeRoom()
        }
        socket = try ListeningSocket(on: context.loop, at: address, reserve: reserve) { [unowned self] accepted in
            // Silent connections never keep a probe out: the one that has been idle longest is closed.
            if server.connectionCount >= server.settings.connections { server.makeRoom() }
            _ = server.serve(accepted)
        }
        server.connectionEnded = { [unowned self] in socket.takeSpares() }
    }

    static let connectionsMax = 100

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let fields = stream.pointee.fields
        let method = fields.first(.method)?.valueBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let target = fields.first(.path)?.valueBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        if let quotas, quotas.takeOver(stream, path: BorrowedBytes(rebasing: path), ended: ended) { return }
        body.removeAll()
        let isHead = method.elementsEqual("HEAD".utf8)
        guard !stream.pointee.flags.contains(.headTooLarge) else {
            body.append("the request's head is too large\n")
            return reply(stream, "431", "text/plain; charset=utf-8", isHead: isHead)
        }
        guard isHead || method.elementsEqual("GET".utf8) else {
            body.append("only GET and HEAD are served here\n")
            return reply(stream, "405", "text/plain; charset=utf-8", isHead: isHead, allow: true)
        }
        if path.elementsEqual("/live".utf8) {
            body.append("live\n")
            reply(stream, "200", "text/plain; charset=utf-8", isHead: isHead)
        } else if path.elementsEqual("/ready".utf8) {
            body.append(isReady ? "ready\n" : "not ready\(notReadyReason.map { ": \($0)" } ?? "")\n")
            reply(stream, isReady ? "200" : "503", "text/plain; charset=utf-8", isHead: isHead)
        } else if path.elementsEqual("/metrics".utf8) {
            writeMetrics()
            reply(stream, "200", PrometheusText.contentType, isHead: isHead)
        } else if path.elementsEqual("/clusters".utf8), let clusters {
            clusters().writeJSON(to: &body, now: context.loop.now)
            reply(stream, "200", "application/json", isHead: isHead)
        } else if path.elementsEqual("/rlconfig".utf8), let rules {
            body.append(Array(rules().utf8))
            reply(stream, "200", "text/plain; charset=utf-8", isHead: isHead)
        } else {
            let more =
                (clusters == nil ? "" : ", /clusters") + (rules == nil ? "" : ", /rlconfig") + (quotas == nil ? "" : ", /quota/")
            body.append("not found: /live, /ready\(more) and /metrics are served here\n")
            reply(stream, "404", "text/plain; charset=utf-8", isHead: isHead)
        }
    }

    private func writeMetrics() {
        var families = registry.read()
        if let clusters { families += clusters().families(now: context.loop.now) }
        if let moreFamilies { families += moreFamilies() }
        families.append(
            MetricFamily(
                name: "martlet_build_info", help: "The running version; always 1.", kind: .gauge,
                series: [MetricSeries(labels: [Label("version", Version.text)], value: .level(1))]))
        families += DescriptorWatch.families
        if let lost {
            families.append(
                MetricFamily(
                    name: "martlet_access_log_dropped_total", help: "Access-log lines dropped.",
                    kind: .counter, series: [MetricSeries(value: .count(lost()))]))
        }
        PrometheusText.write(families, to: &body)
    }

    private func reply(
        _ stream: StreamPointer, _ code: StaticString, _ type: StaticString, isHead: Bool, allow: Bool = false
    ) {
        let scratch = context.fieldScratch
        scratch[0] = Field(":status", code, token: .status)
        scratch[1] = Field("content-type", type, token: .contentType)
        let digits = stream.pointee.fields.reserve(20)
        let count = Decimal.write(UInt64(body.count), to: digits)
        scratch[2] = Field(
            "content-length", value: UnsafeRawBufferPointer(start: digits, count: count), token: .contentLength)
        scratch[3] = Field("allow", "GET, HEAD", token: .other)
        let fields = UnsafeBufferPointer(start: scratch.baseAddress, count: allow ? 4 : 3)
        stream.serverConnection { connection in
            connection.respond(stream, fields, ended: isHead)
            guard !isHead else { return }
            connection.send(stream, body.readable)
            connection.finish(stream)
        }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        stream.connection { $0.consumed(stream, slice.count) }
    }

    func streamEnded(_ stream: StreamPointer) {}

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
}
