package import HTTPModel
internal import Reactor
internal import Sockets
package import Transport

/// A program whose worker serves listeners.
package protocol ListeningProgram: AnyObject, SendableMetatype {
    var listeners: WorkerListeners { get }
    /// Answers every call that runs with its end.
    func endCalls()
}

extension ListeningProgram {
    package func endCalls() {}
}

/// A worker's share of every listener of its process.
package final class WorkerListeners {
    /// Called when a connection has begun to be served here, and when one has ended.
    package var connectionBegan: (() -> Void)?
    package var connectionEnded: (() -> Void)?

    private let handler: any StreamHandler
    private let context: WorkerContext
    /// The connections of all listeners, by worker.
    private let board: LoadBoard
    private var open: [String: Share] = [:]
    /// Servers of listeners that are gone, until their connections are.
    private var leaving: [HTTPServer] = []

    private struct Share {
        var server: HTTPServer
        /// `nil` where this worker is only handed connections.
        var socket: ListeningSocket?
        /// The listener's connections, by worker.
        var load: LoadBoard
    }

    package init(handler: any StreamHandler, context: WorkerContext, board: LoadBoard) {
        self.handler = handler
        self.context = context
        self.board = board
    }

    /// Opens this worker's share of a listener, whose address is reserved.
    ///
    /// - Parameter group: to hand connections to less loaded workers.
    func open<Program: ListeningProgram>(
        _ plan: ListenerPlan, load: LoadBoard, group: WorkerGroup<Program>
    ) throws(SystemError) {
        let server = HTTPServer(name: plan.name, settings: plan.settings, handler: handler, context: context)
        server.tls = plan.tls
        server.connectionEnded = { [unowned self] in ended(load) }
        var socket: ListeningSocket?
        var isShared = true
        if case .unix = plan.address { isShared = false }
        if isShared || context.index == 0 {
            let name = plan.name
            socket = try ListeningSocket(on: context.loop, at: plan.address, isReserved: true) { [unowned self] accepted in
                assign(accepted, listener: name, group: group)
            }
        }
        open[plan.name] = Share(server: server, socket: socket, load: load)
    }

    private func assign<Program: ListeningProgram>(
        _ socket: AcceptedSocket, listener: String, group: WorkerGroup<Program>
    ) {
        guard let share = open[listener], share.load.total < share.server.settings.connections else {
            return socket.refuse()
        }
        let target = board.assign(acceptedBy: context.index)
        share.load.add(to: target)
        if target == context.index { return serve(socket, share.load, listener: listener) }
        let load = share.load
        group.post(to: target) { $0.listeners.serve(socket, load, listener: listener) }
    }

    /// Serves a connection that has been counted here.
    private func serve(_ socket: AcceptedSocket, _ load: LoadBoard, listener: String) {
        connectionBegan?()
        guard let share = open[listener] else {
            // The listener has gone while the connection was on its way here.
            socket.refuse()
            return ended(load)
        }
        if !share.server.serve(socket) { ended(load) }
    }

    private func ended(_ load: LoadBoard) {
        load.ended(on: context.index)
        board.ended(on: context.index)
        connectionEnded?()
    }

    /// Takes new settings and certificates of a listener into service, for the connections that come from now on.
    func change(_ plan: ListenerPlan) {
        open[plan.name]?.server.tls = plan.tls
        open[plan.name]?.server.settings = plan.settings
    }

    /// Closes a listener; its connections leave in their own time.
    func close(_ name: String) {
        guard let share = open.removeValue(forKey: name) else { return }
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
