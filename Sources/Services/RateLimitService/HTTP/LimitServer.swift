internal import Bytes
internal import GRPC
package import HTTPModel
package import Net
internal import Protobuf
package import RateLimit
package import Reactor
internal import Sockets
package import TLS
package import Transport

/// The rate-limit service on one worker: RLS v3, the health service and reflection, and JSON by plain HTTP.
package final class LimitServer {
    private let endpoints: LimitEndpoints
    private let reflection: ReflectionService
    private let context: WorkerContext
    package let health = HealthService()
    private let service: LimitService
    private let server: HTTPServer
    private var socket: ListeningSocket?

    /// Of a whole request; they are small.
    private static let messageBytesMax: UInt32 = 256 << 10

    /// - Parameters:
    ///   - counters: the same for all workers of the process.
    ///   - store: this worker's.
    package init(
        rules: RuleTree, store: any LimitStore, counters: CounterRegistry, metrics: LimitServiceMetrics, context: WorkerContext
    ) {
        counters.join(context.loop)
        self.context = context
        let handler = GRPCServer(context: context, messageBytesMax: Self.messageBytesMax)
        service = LimitService(
            rules: rules, store: store, counters: counters,
            counts: LimitServiceCounts(metrics, rules: rules, worker: context.index), loop: context.loop)
        service.register(on: handler)
        health.register(on: handler)
        let described = Self.described()
        reflection = described.reflection
        reflection.register(on: handler)
        let replies = HTTPReplies(context)
        endpoints = LimitEndpoints(
            grpc: handler,
            json: JSONRequests(
                service, schema: described.schema, method: described.method, bodyBytesMax: Int(Self.messageBytesMax),
                replies: replies), replies: replies)
        health.set(LimitService.name, to: .serving)
        // The name that envoyproxy/ratelimit goes by.
        health.set("ratelimit", to: .serving)
        server = HTTPServer(name: "ratelimit", settings: Self.settings, handler: endpoints, context: context)
    }

    /// Serves at `address` too, on its context's loop, and returns where: the kernel's choice where port 0 was asked for.
    package func listen(at address: SocketAddress) throws(SystemError) -> SocketAddress {
        let server = server
        let socket = try ListeningSocket(on: context.loop, at: address) { [weak server] accepted in
            guard let server else { return accepted.refuse() }
            _ = server.serve(accepted)
        }
        self.socket = socket
        return socket.address
    }

    /// For listeners that are opened elsewhere.
    package var handler: any StreamHandler { endpoints }

    package static let protocols: [ApplicationProtocol] = [.http2, .http1]

    private static func described() -> (reflection: ReflectionService, schema: Schema, method: Int) {
        let set = LimitDescriptors.base64.utf8.withContiguousStorageIfAvailable { Base64.decode(UnsafeRawBufferPointer($0)) }
        // Part of the program: our own bug where it is none.
        guard let set, let set, let files = try? DescriptorSet.files(in: set), let schema = try? Schema(files: files),
            let method = schema.methods.firstIndex(where: { $0.path == "\(RateLimitRequestWriter.path)" }),
            let reflection = try? ReflectionService(files: files, services: [LimitService.name, "grpc.health.v1.Health"])
        else { preconditionFailure("Sources/Services/RateLimitService/Generated holds no descriptors") }
        return (reflection, schema, method)
    }

    /// As for any listener, but Watch may be silent for ever.
    package static let settings: HTTPServerSettings = {
        var settings = HTTPServerSettings.defaults
        settings.streamIdle = nil
        settings.session.streams = 1000
        settings.protocols = LimitServer.protocols
        return settings
    }()

    /// What requests are judged by from now on.
    package func adopt(_ rules: RuleTree) { service.rules = rules }

    /// The store does not count, or with `nil` counts again.
    package var storeChanged: ((StoreTrouble?) -> Void)? {
        get { service.storeChanged }
        set { service.storeChanged = newValue }
    }

    package var connectionCount: Int { server.connectionCount }

    /// Says NOT_SERVING, accepts no more, and lets the calls that run finish.
    package func beginDrain() {
        service.endLeases()
        endpoints.isLeaving = true
        health.shutDown()
        socket?.close()
        socket = nil
        server.beginDrain()
    }
}
