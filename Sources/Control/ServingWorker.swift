package import Gateway
internal import Metrics
package import Reactor
package import Sockets
internal import TLS
package import Transport

/// A worker's program: its gateway, and its share of every listener.
package final class ServingWorker {
    package let gateway: GatewayWorker
    private let context: WorkerContext
    private let board: LoadBoard
    private var listeners: [String: Listening] = [:]

    private struct Listening {
        var server: HTTPServer
        /// `nil` where this worker is only handed connections.
        var socket: ListeningSocket?
        var load: LoadBoard
        var plan: ListenerPlan
    }

    package init(gateway: GatewayWorker, context: WorkerContext, board: LoadBoard) {
        self.gateway = gateway
        self.context = context
        self.board = board
    }

    // MARK: Listeners

    /// Opens this worker's share of a listener, whose address is reserved.
    ///
    /// - Parameters:
    ///   - load: the listener's connections, by worker.
    ///   - group: to hand connections to less loaded workers.
    package func open(_ plan: ListenerPlan, load: LoadBoard, group: WorkerGroup<ServingWorker>) throws(SystemError) {
        let server = HTTPServer(
            name: plan.name, settings: plan.settings, handler: gateway.downstream, context: context)
        server.tls = plan.tls
        let index = context.index
        let shard = gateway.metrics.shard
        let metrics = gateway.metrics.gateway
        server.connectionEnded = { [board] in
            load.ended(on: index)
            board.ended(on: index)
            shard.adjust(metrics.downstreamConnections, by: -1)
        }
        var socket: ListeningSocket?
        var sharesAddress = true
        if case .unix = plan.address { sharesAddress = false }
        if sharesAddress || index == 0 {
            let name = plan.name
            socket = try ListeningSocket(on: context.loop, at: plan.address) { [unowned self] accepted in
                self.accepted(accepted, listener: name, group: group)
            }
        }
        listeners[plan.name] = Listening(server: server, socket: socket, load: load, plan: plan)
    }

    private func accepted(_ socket: AcceptedSocket, listener: String, group: WorkerGroup<ServingWorker>) {
        guard let listening = listeners[listener] else { return socket.refuse() }
        guard listening.load.total < listening.server.settings.connections else { return socket.refuse() }
        let target = board.assign(acceptedBy: context.index)
        listening.load.add(to: target)
        if target == context.index { return serve(socket, listener: listener) }
        group.post(to: target) { $0.serve(socket, listener: listener) }
    }

    /// Serves a connection that has been counted here.
    private func serve(_ socket: AcceptedSocket, listener: String) {
        gateway.metrics.shard.add(gateway.metrics.gateway.downstreamConnectionsTotal)
        gateway.metrics.shard.adjust(gateway.metrics.gateway.downstreamConnections, by: 1)
        guard let listening = listeners[listener], listening.server.serve(socket) else {
            // The listener has just gone: its count is nobody's concern any more, the worker's is.
            board.ended(on: context.index)
            listeners[listener]?.load.ended(on: context.index)
            gateway.metrics.shard.adjust(gateway.metrics.gateway.downstreamConnections, by: -1)
            return
        }
    }

    // MARK: Changes

    /// Takes new settings and certificates of a listener into service, for the connections that come from now on.
    package func change(_ plan: ListenerPlan) {
        listeners[plan.name]?.plan = plan
        listeners[plan.name]?.server.tls = plan.tls
        listeners[plan.name]?.server.settings = plan.settings
    }

    /// Closes a listener; its connections leave in their own time.
    package func close(listener name: String) {
        guard let listening = listeners[name] else { return }
        listening.socket?.close()
        listening.server.beginDrain()
        leaving.append(listening.server)
        listeners[name] = nil
        leaving.removeAll { $0.connectionCount == 0 }
    }

    /// Servers of listeners that are gone, until their connections are.
    private var leaving: [HTTPServer] = []

    // MARK: Leaving

    /// Accepts no more, and tells every connection to go once its calls are done.
    package func beginDrain() {
        for listening in listeners.values {
            listening.socket?.close()
            listening.server.beginDrain()
        }
    }

    /// Ends every connection now.
    package func abort() {
        for listening in listeners.values { listening.server.abort() }
        for server in leaving { server.abort() }
    }
}
