package import Bytes
package import Reactor
package import Time

/// Connections to all primaries of a cluster: each command goes to the one that has its slot, and after it where slots move.
///
///     seeking ──CLUSTER SLOTS──▶ known ──MOVED, a lost server, a slot without one──▶ asks again, and serves meanwhile
///        └──no cluster (auto)──▶ one server, which has all slots
///
/// What waits for the slots to be known, or for TRYAGAIN and CLUSTERDOWN to pass, waits no longer than its own deadline. One per
/// worker; used by that worker alone.
package final class RedisCluster: RedisConnector, RedisReplyHandler {
    private var settings: RedisSettings
    private let seeds: [RedisEndpoint]
    /// A server may be none of a cluster.
    private let isAutomatic: Bool
    private let dialers: any RedisDialers
    private unowned(unsafe) let loop: EventLoop
    private let seed: UInt64
    private var timer: Timer?
    private var wakes = Instant.distantFuture

    private var nodes: [RedisEndpoint: ClusterNode] = [:]
    private var nodesMade: UInt32 = 0
    private var owners: [ClusterNode?]
    private var isKnown = false
    package private(set) var isSharded = true
    package private(set) var lastFailure: RedisFailure?
    private var isClosed = false

    /// The server that is asked for the slots, and when they are asked for next.
    private var asked: ClusterNode?
    private var refreshes = Instant.distantFuture
    private var lastRefresh = Instant(nanoseconds: 0)
    private var failedRefreshes = 0
    private var turn = 0
    /// Servers that are none of the cluster any more; closed once nothing is expected of them.
    private var retired: [ClusterNode] = []

    private var idle: [ClusterCall] = []
    /// Calls that no server has, in no order.
    private var held: [ClusterCall] = []
    package var onRefusedPassword: ((String) -> Void)? {
        didSet { for node in nodes.values { node.client.onRefusedPassword = onRefusedPassword } }
    }
    /// Slots for which calls have waited in vain, and until when none waits for them again.
    private var downSlots: [ClusterSlot: Instant] = [:]

    private static let refreshPause = Duration.milliseconds(50)
    private static let lostPause = Duration.milliseconds(200)
    private static let failedPauseMax = Duration.seconds(2)
    private static let refreshTimeout = Duration.seconds(1)
    private static let againPause = Duration.milliseconds(2)
    private static let downPause = Duration.milliseconds(250)
    private static let answerTime = Duration.milliseconds(5)
    private static let idleMax = 1024
    /// A cluster of more servers than Redis recommends is not followed.
    private static let nodesMax = 2048
    private static let refreshTag: UInt = 0

    init(_ target: RedisTarget, dialers: any RedisDialers, on loop: EventLoop, seed: UInt64) {
        settings = target.settings
        settings.isClusterNode = true
        seeds = target.seeds
        isAutomatic = target.shape == .auto
        self.dialers = dialers
        self.loop = loop
        self.seed = seed
        owners = Array(repeating: nil, count: ClusterSlot.count)
        timer = Timer(on: loop) { [unowned self] in tick() }
        refresh()
    }

    package var timeout: Duration { settings.timeout }
    package var now: Instant { loop.now }
    package var wall: WallTime { loop.wall }

    package func generation(of slot: ClusterSlot) -> UInt64 {
        owners[Int(slot.number)].map { UInt64($0.number) << 32 | $0.client.generation(of: slot) } ?? 0
    }

    package func renew(_ passwords: RedisPasswords) {
        settings.password = passwords.server
        for node in nodes.values { node.client.renew(passwords) }
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        timer?.disarm()
        for node in nodes.values { node.client.close() }
        for node in retired { node.client.close() }
        for call in held { fail(call, .notConnected) }
        held = []
    }

    // MARK: Commands

    package func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure? {
        send(
            command, to: ClusterSlot(of: UnsafeRawBufferPointer(start: nil, count: 0)), after: .zero, handler, tag: tag,
            by: deadline)
    }

    package func send(
        _ command: RESPCommand, to slot: ClusterSlot, after pause: Duration, _ handler: any RedisReplyHandler, tag: UInt,
        by deadline: Instant?
    ) -> RedisFailure? {
        guard !isClosed else { return .notConnected }
        let call = idle.popLast() ?? ClusterCall()
        call.bytes.removeAll()
        command.write(to: &call.bytes)
        call.handler = handler
        call.tag = tag
        call.slot = slot
        call.deadline = deadline ?? now + settings.timeout
        call.redirections = 0
        let failure = pause > .zero ? hold(call, until: now + pause) : route(call)
        if failure != nil { recycle(call) }
        return failure
    }

    /// To the server that has its slot, or, where that is not known yet, nowhere for the moment.
    private func route(_ call: ClusterCall) -> RedisFailure? {
        guard isKnown else {
            // The first attempt is worth waiting for.
            guard failedRefreshes == 0, asked != nil || lastFailure == nil else { return .notConnected }
            return hold(call, until: .distantFuture)
        }
        if !downSlots.isEmpty, let until = downSlots[call.slot] {
            guard until <= now else {
                lastFailure = .unfit("CLUSTERDOWN no server serves slot \(call.slot.number)")
                return .notConnected
            }
            downSlots[call.slot] = nil
        }
        guard let node = owners[Int(call.slot.number)] else {
            lastFailure = .unfit("CLUSTERDOWN no server has slot \(call.slot.number)")
            requestRefresh(after: Self.refreshPause)
            return .notConnected
        }
        return pass(call, to: node, asking: false)
    }

    private func pass(_ call: ClusterCall, to node: ClusterNode, asking: Bool) -> RedisFailure? {
        guard node.isWorthwhile(now: now) else {
            lastFailure = .timedOut
            requestRefresh(after: Self.lostPause)
            return .notConnected
        }
        // Both or neither: alone, it would let another command through.
        if asking, node.client.room < 2 { return .queueFull }
        if asking, let failure = node.client.send(Self.asking, ignoring, tag: 0, by: call.deadline) { return failure }
        call.node = node
        let retained = Unmanaged.passRetained(call)
        guard
            let failure = node.client.send(
                encoded: call.bytes.readable, self, tag: UInt(bitPattern: retained.toOpaque()), by: call.deadline)
        else { return nil }
        retained.release()
        if failure != .queueFull {
            lastFailure = node.client.lastFailure ?? lastFailure
            requestRefresh(after: Self.refreshPause)
        }
        return failure
    }

    private let ignoring = Ignoring()
    private static var asking: RESPCommand {
        let command = RESPCommand()
        command.add("ASKING")
        return command
    }

    private func hold(_ call: ClusterCall, until due: Instant) -> RedisFailure? {
        guard held.count < settings.commandsInFlightMax else { return .queueFull }
        call.due = due
        held.append(call)
        arm(at: min(due, call.deadline))
        return nil
    }

    /// Sends what is due, and fails what has waited too long.
    private func releaseHeld() {
        let now = now
        let waiting = held
        held.removeAll(keepingCapacity: true)
        for call in waiting {
            if call.deadline <= now {
                fail(call, .timedOut)
            } else if call.due <= now || (isKnown && call.due == .distantFuture) {
                if let failure = route(call) { fail(call, failure) }
            } else {
                held.append(call)
                arm(at: min(call.due, call.deadline))
            }
        }
    }

    private func fail(_ call: ClusterCall, _ failure: RedisFailure) {
        let (handler, tag) = (call.handler, call.tag)
        recycle(call)
        handler?.redisFailed(failure, for: tag)
    }

    private func recycle(_ call: ClusterCall) {
        call.handler = nil
        call.node = nil
        call.bytes.shrink(to: 4096)
        if idle.count < Self.idleMax { idle.append(call) }
    }

    // MARK: Answers

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        guard let call = take(tag) else { return slotsReplied(reply) }
        call.node?.answered()
        guard reply.kind == .error, let node = call.node, let redirection = Redirection(reply, from: node.endpoint.host) else {
            // What was one server by itself may be of a cluster by now.
            if reply.kind == .error, reply.hasPrefix("CROSSSLOT") { requestRefresh(after: Self.lostPause) }
            return deliver(reply, to: call)
        }
        call.redirections += 1
        guard call.redirections <= ClusterCall.redirectionsMax, now < call.deadline else {
            if redirection == .down { downSlots[call.slot] = now + Self.downPause }
            return deliver(reply, to: call)
        }
        var failure: RedisFailure?
        switch redirection {
        case .moved(let slot, let endpoint):
            requestRefresh(after: Self.refreshPause)
            guard let node = self.node(for: endpoint) else { return deliver(reply, to: call) }
            owners[Int(slot.number)] = node
            failure = pass(call, to: node, asking: false)
        case .ask(let endpoint):
            guard let node = self.node(for: endpoint) else { return deliver(reply, to: call) }
            failure = pass(call, to: node, asking: true)
        case .again, .down:
            if redirection == .down { requestRefresh(after: Self.refreshPause) }
            let due = now + .nanoseconds(Self.againPause.nanoseconds * Int64(call.redirections))
            // Later there is no time for an answer, and the call would end without this reason.
            guard due + Self.answerTime < call.deadline else {
                if redirection == .down { downSlots[call.slot] = now + Self.downPause }
                lastFailure = .unfit(reply.text)
                return fail(call, .unfit(reply.text))
            }
            failure = hold(call, until: due)
        }
        if let failure { fail(call, failure) }
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        guard let call = take(tag) else { return slotsFailed(failure) }
        if let node = call.node {
            if failure == .timedOut { node.timedOut(now: now) } else { lastFailure = node.client.lastFailure ?? lastFailure }
            if node.isLost { requestRefresh(after: Self.refreshPause) }
        }
        fail(call, failure)
    }

    private func take(_ tag: UInt) -> ClusterCall? {
        UnsafeRawPointer(bitPattern: tag).map { Unmanaged<ClusterCall>.fromOpaque($0).takeRetainedValue() }
    }

    private func deliver(_ reply: RedisReply, to call: ClusterCall) {
        let (handler, tag) = (call.handler, call.tag)
        recycle(call)
        handler?.redisReplied(reply, to: tag)
    }

    // MARK: Servers

    private func node(for endpoint: RedisEndpoint) -> ClusterNode? {
        if let node = nodes[endpoint] { return node }
        guard nodes.count < Self.nodesMax else { return nil }
        let client = RedisClient(
            settings, dialer: dialers.dialer(for: endpoint), on: loop, seed: seed &+ UInt64(truncatingIfNeeded: nodes.count))
        nodesMade &+= 1
        let node = ClusterNode(endpoint, client, number: nodesMade)
        nodes[endpoint] = node
        client.onRefusedPassword = onRefusedPassword
        client.onReady = { [unowned node] in node.becameReady() }
        client.onLost = { [unowned self, unowned node] failure in
            node.connectionLost()
            lastFailure = failure
            requestRefresh(after: Self.refreshPause)
        }
        return node
    }

    private func requestRefresh(after pause: Duration) {
        let due = max(now + pause, lastRefresh + pause)
        guard !isClosed, asked == nil, due < refreshes else { return }
        refreshes = due
        arm(at: due)
    }

    /// Asks a server that is connected, each time another; where none is, a seed.
    private func refresh() {
        guard !isClosed, asked == nil else { return }
        refreshes = .distantFuture
        lastRefresh = now
        turn &+= 1
        let ready = nodes.values.filter { $0.client.isReady && !$0.isLost }.sorted {
            $0.endpoint.description < $1.endpoint.description
        }
        if !ready.isEmpty, askForSlots(ready[turn % ready.count]) { return }
        for place in seeds.indices {
            if let node = node(for: seeds[(turn + place) % seeds.count]), askForSlots(node) { return }
        }
        refreshFailed(seeds.compactMap { nodes[$0]?.client.lastFailure }.first ?? .notConnected)
    }

    private func askForSlots(_ node: ClusterNode) -> Bool {
        let command = RESPCommand()
        command.add("CLUSTER")
        command.add("SLOTS")
        guard node.client.send(command, self, tag: Self.refreshTag, by: now + Self.refreshTimeout) == nil else { return false }
        asked = node
        return true
    }

    private func slotsFailed(_ failure: RedisFailure) {
        let node = asked
        asked = nil
        guard !isClosed else { return }
        refreshFailed(failure == .timedOut ? .timedOut : node?.client.lastFailure ?? failure)
    }

    private func refreshFailed(_ failure: RedisFailure) {
        lastFailure = failure
        failedRefreshes += 1
        if !isKnown {
            let waiting = held.filter { $0.due == .distantFuture }
            held.removeAll { $0.due == .distantFuture }
            for call in waiting { fail(call, .notConnected) }
        }
        let pause = min(Self.refreshPause.nanoseconds << Int64(min(failedRefreshes, 6)), Self.failedPauseMax.nanoseconds)
        requestRefresh(after: .nanoseconds(pause))
    }

    private func slotsReplied(_ reply: RedisReply) {
        guard let node = asked else { return }
        asked = nil
        node.answered()
        if let topology = ClusterTopology(reply, askedAt: node.endpoint.host) {
            failedRefreshes = 0
            adopt(topology)
        } else if isAutomatic, !isKnown || !isSharded, Self.isByItself(reply) {
            failedRefreshes = 0
            isSharded = false
            isKnown = true
            for slot in owners.indices { owners[slot] = node }
            retire { $0 !== node }
        } else {
            refreshFailed(.unfit(reply.text))
        }
        // Not within the reply: what is sent now may be refused, and that is told at once.
        arm(at: now)
    }

    /// Whether a server that says so in place of its slots is of no cluster, as far as can be told. All else, as `BUSY`, may pass.
    private static func isByItself(_ reply: RedisReply) -> Bool {
        guard reply.kind == .error else { return false }
        return reply.hasPrefix("ERR This instance has cluster support disabled") || reply.hasPrefix("ERR Cluster is disabled")
            || reply.hasPrefix("ERR unknown ") || reply.hasPrefix("ERR Unknown ") || reply.hasPrefix("NOPERM")
    }

    private func adopt(_ topology: ClusterTopology) {
        let primaries = topology.primaries.map { node(for: $0) }
        for slot in owners.indices { owners[slot] = topology.owners[slot] < 0 ? nil : primaries[Int(topology.owners[slot])] }
        isSharded = true
        isKnown = true
        let known = Set(topology.primaries)
        retire { !known.contains($0.endpoint) }
        if !topology.isComplete {
            lastFailure = .unfit("CLUSTERDOWN not all slots have a server")
            requestRefresh(after: Self.lostPause)
        }
    }

    private func retire(where isOver: (ClusterNode) -> Bool) {
        for (endpoint, node) in nodes where isOver(node) {
            nodes[endpoint] = nil
            retired.append(node)
        }
    }

    // MARK: Time

    private func arm(at instant: Instant) {
        guard !isClosed, instant < wakes else { return }
        wakes = instant
        timer?.arm(at: instant)
    }

    private func tick() {
        wakes = .distantFuture
        guard !isClosed else { return }
        if !retired.isEmpty {
            let over = retired.filter { $0.client.commandsInFlight == 0 || $0.isLost }
            retired.removeAll { $0.client.commandsInFlight == 0 || $0.isLost }
            for node in over { node.client.close() }
            if !retired.isEmpty { arm(at: now + settings.timeout) }
        }
        if refreshes <= now { refresh() }
        if refreshes != .distantFuture { arm(at: refreshes) }
        // A server that is lost: is another in its place by now?
        if asked == nil, refreshes == .distantFuture, nodes.values.contains(where: \.isLost) {
            requestRefresh(after: Self.lostPause)
        }
        releaseHeld()
    }
}
