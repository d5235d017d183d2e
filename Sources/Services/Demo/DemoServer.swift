internal import Bytes
internal import GRPC
package import Net
internal import Protobuf
package import Reactor
internal import Sockets
package import Transport

/// A demonstration backend on one worker: martlet.demo.v1, the health service and reflection.
package final class DemoServer {
    /// For listeners that are opened elsewhere.
    package let handler: GRPCServer
    package let health = HealthService()
    private let demo: DemoService
    private let reflection = DemoServer.makeReflection()
    private let server: HTTPServer
    private var socket: ListeningSocket?

    /// - Parameter name: what answers carry, so that it shows which of several backends gave them.
    package init(name: String, context: WorkerContext) {
        handler = GRPCServer(context: context)
        demo = DemoService(name: name, loop: context.loop)
        demo.register(on: handler)
        health.register(on: handler)
        reflection.register(on: handler)
        health.set(DemoService.name, to: .serving)
        server = HTTPServer(name: "demo", settings: Self.settings, handler: handler, context: context)
    }

    private static func makeReflection() -> ReflectionService {
        let set = DemoDescriptors.base64.utf8.withContiguousStorageIfAvailable { Base64.decode(UnsafeRawBufferPointer($0)) }
        // Part of the program: our own bug where it is none.
        guard let set, let set, let files = try? DescriptorSet.files(in: set),
            let service = try? ReflectionService(files: files, services: [DemoService.name, "grpc.health.v1.Health"])
        else { preconditionFailure("Sources/Services/Demo/Generated holds no descriptors") }
        return service
    }

    /// Serves at `address` from now on, on its context's loop.
    package static func start(
        at address: SocketAddress, name: String, context: WorkerContext
    ) throws(SystemError) -> DemoServer {
        let demo = DemoServer(name: name, context: context)
        let server = demo.server
        demo.socket = try ListeningSocket(on: context.loop, at: address) { [weak server] accepted in
            guard let server else { return accepted.refuse() }
            _ = server.serve(accepted)
        }
        return demo
    }

    /// As for any listener, but a stream may be silent for as long as its instructions say.
    package static let settings: HTTPServerSettings = {
        var settings = HTTPServerSettings.defaults
        settings.streamIdle = nil
        return settings
    }()

    /// Where it listens, the port being the kernel's choice where 0 was asked for; `nil` where it did not `start`.
    package var address: SocketAddress? { socket?.address }
    package var connectionCount: Int { server.connectionCount }

    /// Says NOT_SERVING, accepts no more, and lets the calls that run finish.
    package func beginDrain() {
        health.shutDown()
        socket?.close()
        socket = nil
        server.beginDrain()
    }
}
