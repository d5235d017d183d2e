internal import Reactor
internal import Sockets
internal import Transport

/// The listeners of a process, seen from its control thread: their addresses are held here and served by the workers.
final class ProcessListeners<Program: ListeningProgram> {
    private let group: WorkerGroup<Program>
    private let notices: Notices
    private var open: [String: Listener] = [:]

    private struct Listener {
        /// As it was asked for: port 0 stays 0.
        var wanted: SocketAddress
        var plan: ListenerPlan
        var load: LoadBoard
        /// Keeps the port while workers come to listen on it.
        var reservation: PortReservation
    }

    init(_ group: WorkerGroup<Program>, notices: Notices) {
        self.group = group
        self.notices = notices
    }

    /// Opens what is new, closes what is gone, and changes what stayed. What can fail comes first, and changes nothing.
    func adopt(_ plans: [ListenerPlan]) throws(StartFailure) {
        let fresh = plans.filter { plan in open[plan.name]?.wanted != plan.address }
        var reservations: [PortReservation] = []
        for plan in fresh { reservations.append(try reserve(plan)) }
        for name in Array(open.keys) where !plans.contains(where: { $0.name == name }) { close(name) }
        for plan in fresh { close(plan.name) }
        for (plan, reservation) in zip(fresh, reservations) { begin(plan, reservation) }
        for plan in plans where !fresh.contains(where: { $0.name == plan.name }) { change(plan) }
    }

    private func reserve(_ plan: ListenerPlan) throws(StartFailure) -> PortReservation {
        do throws(SystemError) {
            return try PortReservation(plan.address, isOurs: open.values.contains { $0.wanted == plan.address })
        } catch {
            throw StartFailure(message: "cannot listen on \(plan.address): \(error)")
        }
    }

    private func begin(_ plan: ListenerPlan, _ reservation: PortReservation) {
        var opened = plan
        opened.address = reservation.address
        let load = LoadBoard(workers: group.count)
        open[plan.name] = Listener(wanted: plan.address, plan: opened, load: load, reservation: reservation)
        let (sent, notices, group) = (opened, notices, group)
        let latches = (0..<group.count).map { _ in Latch() }
        for (index, latch) in latches.enumerated() {
            group.post(to: index) { worker in
                defer { latch.open() }
                do throws(SystemError) {
                    try worker.listeners.open(sent, load: load, group: group)
                } catch {
                    notices.say("cannot listen on \(sent.address): \(error)")
                }
            }
        }
        // Whoever reads the line below may connect at once.
        for latch in latches { latch.wait() }
        notices.say("listening name=\(opened.name) address=\(opened.address) tls=\(opened.tls != nil)")
    }

    private func change(_ plan: ListenerPlan) {
        guard let listener = open[plan.name] else { return }
        var changed = plan
        changed.address = listener.plan.address
        open[plan.name]?.plan = changed
        let sent = changed
        group.postToAll { $0.listeners.change(sent) }
    }

    private func close(_ name: String) {
        guard open.removeValue(forKey: name) != nil else { return }
        group.postToAll { $0.listeners.close(name) }
    }
}

/// Why a process does not start, or does not take a configuration, for people.
package struct StartFailure: Error {
    package let message: String

    package init(message: String) { self.message = message }
}
