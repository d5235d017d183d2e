package import Balancing
package import Bytes
internal import HTTPModel
package import Net
internal import Random
internal import Reactor
package import Sockets
internal import TLS
internal import Time
package import Transport

/// One address of a cluster, on one worker: its connections, and the requests that wait for one.
///
/// Few connections are cheaper than many, so a new one is opened only when every other is full. A failed connect makes
/// the endpoint the last choice for a growing while.
package final class Endpoint: ClientConnectionOwner {
    package let address: SocketAddress
    /// Which endpoint of its cluster it is.
    let identity: String
    /// Its entry in the cluster's balancer.
    let member: MemberPointer
    /// Its record, shared by the whole process.
    package let record: EndpointRecord
    private let cluster: ClusterRecord
    /// Its cluster has limits or budgets, and what is under way is counted.
    private let isLimited: Bool
    /// The address as text, for the log.
    package let addressText: [UInt8]
    /// Its name with its port, as configured: for `rewrite.authority: endpoint`.
    package let authority: [UInt8]
    private let settings: PoolSettings
    private let tls: (context: ClientContext, name: ServerName)?
    package let isSecure: Bool
    private unowned(unsafe) let context: WorkerContext
    /// Called when a connection was closed because its peer did not respond.
    private let connectionUnresponsive: () -> Void
    private var connections: [Pooled] = []
    /// Those of `connections` that have been ready: for choosing one without counting references.
    private var usable: [Borrowed<ClientConnection>] = []
    private var firstWaiting: Record<PoolWaiter>?
    private var lastWaiting: Record<PoolWaiter>?
    private var waitingCount = 0
    /// Requests sent and not over, and requests that wait.
    package var activeCount: Int {
        get { member.load }
        set {
            if isLimited { cluster.usage.addRequests(newValue - member.load) }
            member.load = newValue
        }
    }
    /// Attempts that name it as theirs, the log's sake included: as long as any does, it lives.
    private var holderCount = 0
    private var backoff = ExponentialBackoff(from: .milliseconds(100), to: .seconds(10))
    /// What a further connection is likely to take: as the last one did.
    private var expectedCapacity: Int
    private var isRetired = false
    /// Why no socket could be made when one was wanted last: errno.
    private var shortage: Int32?
    /// Called when the last connection has ended, or none could be made.
    var disconnected: (() -> Void)?
    /// Called when something that was noted here, and not of a call, has changed its health.
    var healthChanged: (() -> Void)?
    /// Holds a retired endpoint, which its cluster has forgotten, for as long as anything runs on it.
    private var keptAlive: Endpoint?

    package var waiting: Int { waitingCount }
    package var connectionCount: Int { connections.count }

    /// A connection with its timers.
    private final class Pooled {
        let connection: ClientConnection
        var timer: Timer?
        var age: Timer?
        init(_ connection: ClientConnection) { self.connection = connection }
    }

    init(
        _ place: EndpointPlace, tls: (context: ClientContext, name: ServerName)?, settings: PoolSettings,
        cluster: ClusterRecord, context: WorkerContext, connectionUnresponsive: @escaping () -> Void
    ) {
        self.tls = tls
        isSecure = tls != nil
        expectedCapacity = settings.streams
        address = place.address
        identity = place.identity
        addressText = Array(address.description.utf8)
        authority = Array(place.plan.address.authority.utf8)
        self.settings = settings
        self.cluster = cluster
        isLimited = cluster.settings.countsUsage
        self.context = context
        self.connectionUnresponsive = connectionUnresponsive
        record = cluster.retain(identity)
        member = .allocate(
            Member(weight: place.plan.weight, priority: place.plan.priority, key: StableHash.hash(identity)))
        member.owner = Borrowed(self).opaque
        member.breaker = record.breaker.map { Borrowed($0) }
    }

    deinit { member.deallocate() }

    /// No connect has failed a moment ago.
    package var isUsable: Bool { member.avoidUntil <= context.loop.now }

    func setShare(weight: UInt32, priority: Int) {
        member.weight = weight
        member.priority = priority
    }

    /// Applies the present verdicts of health checks and outlier detection to its balancer.
    func refreshHealth() { member.isHealthy = record.isHealthy }

    package enum Admission {
        case room(Borrowed<ClientConnection>)
        case waits
        /// The queue is full.
        case overflow
        /// Not even a connect could be begun.
        case failed
        /// No socket could be made, which is no fault of the endpoint.
        case withoutSocket
    }

    /// A connection with room, or a place in the queue for one.
    package func admit(_ waiter: Record<PoolWaiter>) -> Admission {
        var index = 0
        while index < usable.count {
            let connection = usable[index]
            if connection({ $0.hasRoom }) { return .room(connection) }
            index += 1
        }
        guard waitingCount < settings.waiting, hasPendingRoom(waiter) else { return .overflow }
        guard openIfNeeded(adding: 1, limits: limits(waiter)) else { return shortage == nil ? .failed : .withoutSocket }
        waiter.isQueued = true
        waiter.next = nil
        waiter.previous = lastWaiting
        if let lastWaiting { lastWaiting.next = waiter } else { firstWaiting = waiter }
        lastWaiting = waiter
        waitingCount += 1
        if isLimited { cluster.usage.addPending(1) }
        return .waits
    }

    private func limits(_ waiter: Record<PoolWaiter>) -> CircuitLimits? {
        isLimited ? cluster.settings.limits(isHighPriority: waiter.isHighPriority) : nil
    }

    private func hasPendingRoom(_ waiter: Record<PoolWaiter>) -> Bool {
        guard let limits = limits(waiter), cluster.usage.pending >= limits.pending else { return true }
        cluster.usage.recordOverflow()
        return false
    }

    /// Removes a waiter from the queue.
    package func withdraw(_ waiter: Record<PoolWaiter>) {
        if let previous = waiter.previous {
            previous.next = waiter.next
        } else {
            firstWaiting = waiter.next
        }
        if let next = waiter.next {
            next.previous = waiter.previous
        } else {
            lastWaiting = waiter.previous
        }
        waiter.isQueued = false
        waiter.next = nil
        waiter.previous = nil
        waitingCount -= 1
        if isLimited { cluster.usage.addPending(-1) }
    }

    /// False where no connection could be begun and there is none that will have room.
    private func openIfNeeded(adding: Int, limits: CircuitLimits?) -> Bool {
        let connecting = connections.count { !$0.connection.isReady && !$0.connection.isDraining }
        // Connections being opened will take their share of the queue.
        if connecting * expectedCapacity >= waitingCount + adding { return true }
        // One that is leaving takes no more requests, but may have calls for hours: it keeps no other from its place. Nor does
        // one that is suspected, but only as many times over as there may be connections.
        let staying = connections.count { !$0.connection.isDraining && !$0.connection.isSuspected }
        guard staying < settings.connections, connections.count(where: { !$0.connection.isDraining }) < 2 * settings.connections
        else { return true }
        // The cluster's limit leaves every endpoint one of each worker.
        if staying > 0, let limits, cluster.usage.connections >= limits.connections { return true }
        let connection: ClientConnection
        shortage = nil
        do throws(SystemError) {
            connection = try ClientConnection(
                to: address, tls: tls, speaking: settings.applicationProtocol, limits: settings.session,
                streamLimit: settings.streams, liveness: settings.liveness, context: context, owner: self)
        } catch {
            if DescriptorShortage.isShortage(error.code) { shortage = error.code } else { recordFailure() }
            return connections.contains { !$0.connection.isDraining }
        }
        connection.channel.setUserTimeout()
        let pooled = Pooled(connection)
        pooled.timer = Timer(on: context.loop) { [unowned(unsafe) connection] in connection.channel.abort() }
        pooled.timer?.arm(after: settings.connectTimeout)
        connections.append(pooled)
        if isLimited { cluster.usage.addConnections(1) }
        return true
    }

    private func recordFailure() {
        member.avoidUntil = context.loop.now + backoff.failed()
    }

    // MARK: ClientConnectionOwner

    package func clientConnectionOpened(_ connection: ClientConnection) {
        backoff.succeeded()
        member.avoidUntil = Instant(nanoseconds: 0)
        expectedCapacity = max(1, connection.capacity)
        usable.append(Borrowed(connection))
        if let pooled = connections.first(where: { $0.connection === connection }) {
            pooled.timer = Timer(on: context.loop) { [unowned self, unowned(unsafe) connection] in
                checkIdle(connection)
            }
            if let idle = settings.idleTimeout { pooled.timer?.arm(after: idle) }
            if let age = settings.age { watch(pooled, age) }
        }
        serveQueue(connection)
        if isRetired { connection.retire() }
    }

    package func clientConnectionHasRoom(_ connection: ClientConnection) { serveQueue(connection) }

    private func serveQueue(_ connection: ClientConnection) {
        while let waiter = firstWaiting, connection.hasRoom {
            withdraw(waiter)
            waiter.owner.hasRoom(waiter, on: connection)
        }
        openForQueue()
    }

    /// Another connection for the calls that wait. Where that fails, the end of a present one tries once more.
    private func openForQueue() {
        if let firstWaiting { _ = openIfNeeded(adding: 0, limits: limits(firstWaiting)) }
    }

    package func clientConnectionSuspected(_ connection: ClientConnection) { openForQueue() }

    /// A connection's peer did not respond: that counts once, however many calls were on it.
    private func recordUnresponsive() {
        connectionUnresponsive()
        guard !isRetired, cluster.observes else { return }
        let now = context.loop.now
        guard cluster.record(.localFailure, of: record, began: now, now: now) else { return }
        healthChanged?()
        cluster.announceChange()
    }

    package func clientConnectionDraining(_ connection: ClientConnection) { openForQueue() }

    package func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {
        guard let index = connections.firstIndex(where: { $0.connection === connection }) else { return }
        let wasOpen = connection.wasReady
        let pooled = connections.remove(at: index)
        if isLimited { cluster.usage.addConnections(-1) }
        usable.removeAll { $0 == Borrowed(connection) }
        pooled.timer = nil
        pooled.age = nil
        if connection.isUnresponsive { recordUnresponsive() }
        if !wasOpen {
            if !end.isShortage { recordFailure() }
            if !connections.contains(where: { !$0.connection.isDraining }) { failQueue(end) }
        } else if let firstWaiting, !openIfNeeded(adding: 0, limits: limits(firstWaiting)) {
            failQueue(shortage.map { .unreachable($0) } ?? end)
        }
        if connections.isEmpty, !isRetired { disconnected?() }
        releaseIfOver()
    }

    /// No connection is left that could have room for the calls that wait.
    private func failQueue(_ end: ChannelEnd) {
        // Requests that try again wait behind, for another connection.
        for _ in 0..<waitingCount {
            guard let waiter = firstWaiting else { return }
            withdraw(waiter)
            waiter.owner.connectionFailed(waiter, end)
        }
    }

    private func watch(_ pooled: Pooled, _ age: Duration) {
        pooled.age = Timer(on: context.loop) { [unowned self, unowned(unsafe) connection = pooled.connection] in
            connection.retire()
            clientConnectionDraining(connection)
        }
        pooled.age?.arm(after: age.jittered(context.random.next()))
    }

    private func checkIdle(_ connection: ClientConnection) {
        guard let idle = settings.idleTimeout, let pooled = connections.first(where: { $0.connection === connection })
        else { return }
        if connection.streamCount == 0, connection.idleFor >= idle {
            connection.retire()
        } else {
            // From when it last had a call, not from now.
            pooled.timer?.arm(after: max(idle - connection.idleFor, .milliseconds(1)))
        }
    }

    /// No longer part of its cluster: running requests end in their own time.
    package func retire() {
        guard !isRetired else { return }
        isRetired = true
        keptAlive = self
        cluster.release(record)
        // They move to another endpoint at once, not when the connection that they wait for ends.
        while let waiter = firstWaiting {
            withdraw(waiter)
            waiter.owner.endpointRemoved(waiter)
        }
        for pooled in connections { pooled.connection.retire() }
        releaseIfOver()
    }

    package func retain() { holderCount += 1 }

    package func release() {
        holderCount -= 1
        if isRetired { releaseIfOver() }
    }

    private func releaseIfOver() {
        guard isRetired, connections.isEmpty, firstWaiting == nil, holderCount == 0, keptAlive != nil else { return }
        // First, because the next line may release the last reference.
        context.loop.retire(self)
        keptAlive = nil
    }
}
