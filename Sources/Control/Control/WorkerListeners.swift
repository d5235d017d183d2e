internal import Filters
internal import Gateway
package import HTTPModel
internal import Net
internal import Reactor
internal import Sockets
internal import Time
package import Transport

/// A program whose worker serves listeners.
package protocol ListeningProgram: AnyObject, SendableMetatype {
    var listeners: WorkerListeners { get }
    /// Answers every call that runs with its end.
    func endCalls()
    /// The process leaves: calls that run may end, and no others begin.
    func beginDrain()
}

extension ListeningProgram {
    package func endCalls() {}

    package func beginDrain() { listeners.beginDrain() }
}

/// One listener, from its opening to its closing: a later one of the same name, or at the same address, is another.
struct ListenerID: Hashable, Sendable {
    let number: Int
}

/// A worker's share of every listener of its process.
package final class WorkerListeners {
    /// Called when a connection has begun to be served here, and when one has ended.
    package var connectionBegan: (() -> Void)?
    package var connectionEnded: (() -> Void)?
    /// Called when a connection has reached its age, and when one was refused because the process has as many as it may.
    package var connectionAged: (() -> Void)?
    package var connectionRefused: (() -> Void)?
    /// Connections of callers, over all listeners and workers.
    package var connectionsMax = Int.max

    private let handler: any StreamHandler
    private let context: WorkerContext
    /// The connections of all listeners, by worker.
    private let connectionCounts: ConnectionCounts
    private var open: [ListenerID: Share] = [:]
    /// Servers of listeners that are gone, until their connections are.
    private var leaving: [HTTPServer] = []
    private var nextIdleLook = Instant(nanoseconds: 0)

    private struct Share {
        var server: HTTPServer
        /// `nil` until it listens, and where this worker is only handed connections.
        var socket: ListeningSocket?
        /// The listener's connections, by worker.
        var load: ConnectionCounts
    }

    package init(handler: any StreamHandler, context: WorkerContext, connectionCounts: ConnectionCounts) {
        self.handler = handler
        self.context = context
        self.connectionCounts = connectionCounts
    }

    /// Begins to serve the connections of a listener that are handed here.
    func open(_ plan: ListenerPlan, as id: ListenerID, load: ConnectionCounts) {
        let server = HTTPServer(name: plan.name, settings: plan.settings, handler: handler, context: context)
        server.tls = plan.tls
        server.connectionAged = { [unowned self] in connectionAged?() }
        server.connectionEnded = { [unowned self] in ended(load) }
        open[id] = Share(server: server, socket: nil, load: load)
    }

    /// Accepts connections of a listener, whose address is reserved, and which is open on every worker.
    ///
    /// - Parameter group: to hand connections to less loaded workers.
    func listen<Program: ListeningProgram>(
        _ id: ListenerID, at address: SocketAddress, group: WorkerGroup<Program>
    ) throws(SystemError) {
        // A path can be listened on but once.
        if case .unix = address, context.index != 0 { return }
        open[id]?.socket = try ListeningSocket(on: context.loop, at: address, isReserved: true) { [unowned self] accepted in
            assign(accepted, listener: id, group: group)
        }
    }

    private func assign<Program: ListeningProgram>(
        _ socket: AcceptedSocket, listener: ListenerID, group: WorkerGroup<Program>
    ) {
        guard let share = open[listener], share.load.total < share.server.settings.connections else {
            return socket.refuse()
        }
        let (total, totalMax) = (connectionCounts.total, connectionsMax)
        if total >= totalMax {
            connectionRefused?()
            return socket.refuse()
        }
        if Pressure(total + 1, of: totalMax) >= .severe { closeIdle() }
        let target = connectionCounts.assign(acceptedBy: context.index)
        share.load.add(to: target)
        if target == context.index { return serve(socket, share.load, listener: listener) }
        let load = share.load
        group.post(to: target) { $0.listeners.serve(socket, load, listener: listener) }
    }

    /// Serves a connection that has been counted here.
    func serve(_ socket: AcceptedSocket, _ load: ConnectionCounts, listener: ListenerID) {
        connectionBegan?()
        guard let share = open[listener] else {
            // The listener has gone while the connection was on its way here. Another of its name is another's: its
            // certificates and limits are not those of the address that was connected to.
            socket.refuse()
            return ended(load)
        }
        if !share.server.serve(socket) { ended(load) }
    }

    /// Near the limit of connections those without a call make room: looked for once a second at most.
    private func closeIdle() {
        let now = context.loop.now
        guard now >= nextIdleLook else { return }
        nextIdleLook = now + .seconds(1)
        for share in open.values { share.server.closeIdle(after: .seconds(1)) }
    }

    private func ended(_ load: ConnectionCounts) {
        load.ended(on: context.index)
        connectionCounts.ended(on: context.index)
        connectionEnded?()
    }

    /// Takes new settings and certificates of a listener into service, for the connections that come from now on.
    func change(_ id: ListenerID, to plan: ListenerPlan) {
        open[id]?.server.rename(plan.name)
        open[id]?.server.tls = plan.tls
        open[id]?.server.settings = plan.settings
    }

    /// Closes a listener; its connections leave in their own time.
    func close(_ id: ListenerID) {
        guard let share = open.removeValue(forKey: id) else { return }
        share.socket?.close()
        share.server.beginDrain()
        leaving.removeAll { $0.connectionCount == 0 }
        leaving.append(share.server)
    }

    /// Accepts no more, and tells every connection to go once its calls are done.
    package func beginDrain() {
        for share in open.values {
            share.socket?.close()
            share.server.beginDrain()
        }
    }

    /// Ends every connection, once what was said on it has left.
    package func end() {
        for share in open.values { share.server.end() }
        for server in leaving { server.end() }
    }
}
