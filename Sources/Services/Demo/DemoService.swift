internal import Messages
package import Reactor
package import Transport

/// The four methods of `martlet.demo.v1.Demo`. One per worker.
package final class DemoService {
    package static let name = "martlet.demo.v1.Demo"
    let serverName: String
    unowned let loop: EventLoop

    package init(name: String, loop: EventLoop) {
        serverName = name
        self.loop = loop
    }

    package func register(on server: GRPCServer) {
        server.register("/\(Self.name)/Echo", .serverStreaming { [self] _ in EchoCall(self) })
        server.register("/\(Self.name)/Collect", .streaming { [self] _ in CollectCall(self) })
        server.register("/\(Self.name)/Count", .serverStreaming { [self] _ in CountCall(self) })
        server.register("/\(Self.name)/Chat", .streaming { [self] _ in ChatCall(self) })
    }
}
