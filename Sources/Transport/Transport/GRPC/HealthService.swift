package import Bytes
package import GRPC

/// The standard health service (grpc.health.v1): Check answers once, Watch now and at every change. One per worker.
package final class HealthService: UnaryMethod {
    private var statuses: [[UInt8]: HealthCheck.ServingStatus] = [[]: .serving]
    private var watchers: [ObjectIdentifier: Watcher] = [:]
    private var isShutDown = false

    package init() {}

    package func register(on server: GRPCServer) {
        server.register("\(HealthCheck.checkPath)", .unary(self))
        server.register("\(HealthCheck.watchPath)", .serverStreaming { [unowned self] _ in Watcher(self) })
    }

    /// An empty name is the whole server. After `shutDown` nothing changes any more.
    package func set(_ service: String = "", to status: HealthCheck.ServingStatus) {
        guard !isShutDown else { return }
        let name = Array(service.utf8)
        statuses[name] = status
        for watcher in Array(watchers.values) where watcher.service == name { watcher.report(status) }
    }

    /// Everything is NOT_SERVING from now on: the server is leaving.
    package func shutDown() {
        for service in statuses.keys { set(String(decoding: service, as: UTF8.self), to: .notServing) }
        isShutDown = true
    }

    package func answer(
        _ call: GRPCCall, _ request: UnsafeRawBufferPointer, _ reply: inout ByteBuffer
    ) -> UnaryAnswer {
        guard let service = try? HealthCheck.service(inRequest: request) else { return .failed(Self.malformed) }
        guard let status = statuses[Array(service)] else { return .failed(CallStatus(.notFound, "unknown service")) }
        HealthCheck.appendResponse(status, to: &reply)
        return .done
    }

    private static let malformed = CallStatus(.internal, "the request is not a HealthCheckRequest")

    /// One Watch call.
    private final class Watcher: CallHandler {
        private unowned let health: HealthService
        private(set) var service: [UInt8] = []
        private var reference: CallReference?
        private var reported: HealthCheck.ServingStatus?
        /// What the caller has not been sent because it does not read.
        private var owed: HealthCheck.ServingStatus?

        init(_ health: HealthService) { self.health = health }

        func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
            guard let name = try? HealthCheck.service(inRequest: message) else { return call.finish(malformed) }
            service = Array(name)
            reference = call.reference
            health.watchers[ObjectIdentifier(self)] = self
            report(health.statuses[service] ?? .serviceUnknown)
        }

        func requestEnded(_ call: GRPCCall) {}

        func report(_ status: HealthCheck.ServingStatus) {
            guard let call = reference?.live else { return }
            guard call.isWritable else { owed = status; return }
            owed = nil
            guard status != reported else { return }
            reported = status
            call.send { HealthCheck.appendResponse(status, to: &$0) }
        }

        func drained(_ call: GRPCCall) {
            if let owed { report(owed) }
        }

        func cancelled(_ call: GRPCCall) { health.watchers[ObjectIdentifier(self)] = nil }
    }
}
