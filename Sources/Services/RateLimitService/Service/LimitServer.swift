internal import GRPC
internal import HTTPModel
package import Net
package import RateLimit
package import Reactor
internal import Sockets
package import Transport

/// The rate-limit service on one worker: RLS v3 and the health service.
package final class LimitServer {
    /// For listeners that are opened elsewhere.
    package let handler: GRPCServer
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
        handler = GRPCServer(context: context, messageBytesMax: Self.messageBytesMax)
        service = LimitService(
            rules: rules, store: store, counters: counters,
            counts: LimitServiceCounts(metrics, rules: rules, worker: context.index), loop: context.loop)
        service.register(on: handler)
        health.register(on: handler)
        health.set(LimitService.name, to: .serving)
        // The name that envoyproxy/ratelimit goes by.
        health.set("ratelimit", to: .serving)
        server = HTTPServer(name: "ratelimit", settings: Self.settings, handler: handler, context: context)
    }

    /// Serves at `address` too, on its context's loop, and returns where: the kernel's choice where port 0 was asked for.
    package func listen(at address: SocketAddress) throws(SystemError) -> SocketAddress {
        let server = server
        let socket = try ListeningSocket(on: handler.context.loop, at: address) { [weak server] accepted in
            guard let server else { return accepted.refuse() }
            _ = server.serve(accepted)
        }
        self.socket = socket
        return socket.address
    }

    /// As for any listener, but Watch may be silent for ever.
    package static let settings: HTTPServerSettings = {
        var settings = HTTPServerSettings.defaults
        settings.streamIdle = nil
        settings.session.streams = 1000
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
        health.shutDown()
        socket?.close()
        socket = nil
        server.beginDrain()
    }
}
