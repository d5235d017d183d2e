internal import Net
internal import Reactor
internal import Sockets
internal import Transport

/// The listeners of a process, seen from its control thread: their addresses are held here and served by the workers.
final class ProcessListeners<Program: ListeningProgram> {
    private let group: WorkerGroup<Program>
    private let diagnostics: Diagnostics
    private var open: [Listener] = []
    private var lastNumber = 0

    private struct Listener {
        var id: ListenerID
        /// As it was asked for: port 0 stays 0.
        var wanted: SocketAddress
        /// With the address that it has.
        var plan: ListenerPlan
        /// Keeps the port while workers come to listen on it.
        var reservation: PortReservation
    }

    init(_ group: WorkerGroup<Program>, diagnostics: Diagnostics) {
        self.group = group
        self.diagnostics = diagnostics
    }

    /// Opens what is new, closes what is gone, and changes what stayed. What can fail comes first, and changes nothing. Returns when every worker
    /// has taken it. A call made after `reloaded` is logged uses the new configuration.
    ///
    /// A listener is its address: one of another name at the same address goes on, with its connections, and one of the
    /// same name at another address is a new one. Port 0 is any port, so there the name tells which is meant.
    ///
    /// - Parameter publish: takes the routes into service on a worker, in one task with the names of its listeners, by which they go, and before
    ///   new listeners open: none serves by routes that do not know it.
    func adopt(_ plans: [ListenerPlan], publish: @escaping @Sendable (Program) -> Void = { _ in }) throws(StartFailure) {
        var gone = open
        var stayed: [(Listener, ListenerPlan)] = []
        var fresh: [(ListenerPlan, PortReservation)] = []
        for plan in plans {
            let index = gone.firstIndex {
                $0.wanted == plan.address && (plan.address.port != 0 || $0.plan.name == plan.name)
            }
            if let index {
                stayed.append((gone.remove(at: index), plan))
            } else {
                fresh.append((plan, try reserve(plan)))
            }
        }
        for listener in gone { close(listener) }
        let changes = stayed.compactMap { change($0, to: $1) }
        group.runOnAll { worker in
            for (id, plan) in changes { worker.listeners.change(id, to: plan) }
            publish(worker)
        }
        for (plan, reservation) in fresh { begin(plan, reservation) }
    }

    private func reserve(_ plan: ListenerPlan) throws(StartFailure) -> PortReservation {
        do throws(SystemError) {
            return try PortReservation(plan.address, isOurs: open.contains { $0.plan.address.overlaps(plan.address) })
        } catch {
            throw StartFailure(message: "cannot listen on \(plan.address): \(error)")
        }
    }

    private func begin(_ plan: ListenerPlan, _ reservation: PortReservation) {
        var opened = plan
        opened.address = reservation.address
        lastNumber += 1
        let id = ListenerID(number: lastNumber)
        open.append(Listener(id: id, wanted: plan.address, plan: opened, reservation: reservation))
        let (sent, diagnostics, group, load) = (opened, diagnostics, group, ConnectionCounts(workers: group.count))
        // Every worker knows it before any accepts: from then on connections are handed about.
        group.runOnAll { $0.listeners.open(sent, as: id, load: load) }
        group.runOnAll { worker in
            do throws(SystemError) {
                try worker.listeners.listen(id, at: sent.address, group: group)
            } catch {
                diagnostics.log("cannot listen on \(sent.address): \(error)")
            }
        }
        // A reader of this line may connect at once.
        say(opened)
    }

    /// - Returns: what the workers change.
    private func change(_ listener: Listener, to plan: ListenerPlan) -> (ListenerID, ListenerPlan)? {
        guard let index = open.firstIndex(where: { $0.id == listener.id }) else { return nil }
        var changed = plan
        changed.address = listener.plan.address
        open[index].plan = changed
        if plan.name != listener.plan.name { say(changed) }
        return (listener.id, changed)
    }

    private func close(_ listener: Listener) {
        open.removeAll { $0.id == listener.id }
        let id = listener.id
        group.postToAll { $0.listeners.close(id) }
    }

    private func say(_ plan: ListenerPlan) {
        diagnostics.log("listening name=\(plan.name) address=\(plan.address) tls=\(plan.tls != nil)")
    }
}

/// Why a process does not start, or does not take a configuration, for people.
package struct StartFailure: Error {
    package let message: String

    package init(message: String) { self.message = message }
}
