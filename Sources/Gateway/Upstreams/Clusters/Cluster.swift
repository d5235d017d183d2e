package import Balancing
package import Bytes
package import GRPC
internal import GatewayModel
internal import Net
internal import Reactor
internal import Schemas
internal import TLS
package import Time
package import Transport

/// A named set of endpoints, on one worker.
package final class Cluster {
    package private(set) var plan: ClusterPlan {
        didSet { asksCalls = plan.hash != nil || guards.limits }
    }
    /// Which endpoint it chooses, or whether any, depends on the call: on its hash, of what `plan.hash` says, or on its priority.
    package private(set) var asksCalls: Bool
    package let nameBytes: [UInt8]
    package private(set) var endpoints: [Endpoint] = []
    private var balancer: Balancer
    private var names = ResolvedNames()
    /// The address of each name that stands for one at a time.
    private var chosen: [EndpointAddress: SocketAddress] = [:]
    /// Of the whole process.
    package let record: ClusterRecord
    /// Guards that are configured, for what a call has to check: most clusters have none, and their calls do not touch it.
    private let guards: (limits: Bool, breaker: Bool, observes: Bool)
    /// Before this its refresher is not notified again that the schema lacks something.
    private var quietUntil = Instant(nanoseconds: 0)
    private let seed: UInt64
    private unowned(unsafe) let context: WorkerContext
    private let connectionUnresponsive: () -> Void

    /// - Parameter connectionUnresponsive: called when a connection was closed because its peer did not respond.
    package init(
        _ plan: ClusterPlan, seed: UInt64, resolved: ResolvedNames, context: WorkerContext,
        connectionUnresponsive: @escaping () -> Void
    ) {
        self.plan = plan
        record = plan.record
        guards = (record.settings.limits != nil, record.breaker != nil, record.observes)
        asksCalls = plan.hash != nil || guards.limits
        nameBytes = Array(plan.name.utf8)
        self.seed = seed
        self.context = context
        self.connectionUnresponsive = connectionUnresponsive
        balancer = Balancer(plan.balancing, seed: seed)
        resolve(resolved)
    }

    // MARK: Changes

    /// Applies a new configuration and keeps the endpoints; false where connections would differ.
    package func adopt(_ plan: ClusterPlan, _ names: ResolvedNames) -> Bool {
        guard self.plan.canBecome(plan) else { return false }
        guard self.plan != plan else { return true }
        if self.plan.balancing != plan.balancing { balancer = Balancer(plan.balancing, seed: seed) }
        self.plan = plan
        resolve(names)
        return true
    }

    /// Takes what names stand for now: endpoints that are still among them stay, with their connections.
    package func resolve(_ names: ResolvedNames) {
        self.names = names
        chooseAddresses()
        let places = plan.places(names, chosen: chosen)
        // A new configuration has names that are still being resolved: the present endpoints serve until then.
        if places.isEmpty, !endpoints.isEmpty, plan.awaits(names) {
            return balancer.setMembers(endpoints.map(\.member), now: context.loop.now)
        }
        var former = Dictionary(uniqueKeysWithValues: endpoints.map { ($0.identity, $0) })
        endpoints = places.map { place in
            let endpoint = former.removeValue(forKey: place.identity) ?? makeEndpoint(place)
            endpoint.setShare(weight: place.plan.weight, priority: place.plan.priority)
            endpoint.healthChanged = { [unowned self] in refresh() }
            endpoint.disconnected = place.plan.use == .logical ? { [unowned self] in disconnected(place) } : nil
            return endpoint
        }
        for endpoint in endpoints { endpoint.refreshHealth() }
        balancer.setMembers(endpoints.map(\.member), now: context.loop.now)
        for endpoint in former.values { endpoint.retire() }
    }

    private func makeEndpoint(_ place: EndpointPlace) -> Endpoint {
        let tls = plan.tls.flatMap { tls in place.serverName.map { (tls.context, $0) } }
        return Endpoint(
            place, tls: tls, settings: plan.pool, cluster: record, context: context, connectionUnresponsive: connectionUnresponsive)
    }

    /// Names that stand for one address at a time keep theirs while it has a connection, or the name still stands for it.
    private func chooseAddresses() {
        var kept: [EndpointAddress: SocketAddress] = [:]
        for endpoint in plan.endpoints where endpoint.use == .logical {
            guard case .name(let name, let port) = endpoint.address else { continue }
            let answer = names.addresses[name] ?? []
            guard let address = chosen[endpoint.address] else {
                kept[endpoint.address] = answer.first
                continue
            }
            let identity = plan.place(address.with(port: port), name, endpoint).identity
            let isConnected = endpoints.contains { $0.identity == identity && $0.connectionCount > 0 }
            kept[endpoint.address] = isConnected || answer.contains(address) ? address : answer.first
        }
        chosen = kept
    }

    /// The last connection to the address of a name has ended, or none could be made: the next one's turn.
    private func disconnected(_ place: EndpointPlace) {
        // The endpoint is on the stack.
        context.loop.afterThisTick { [weak self] in self?.moveOn(from: place) }
    }

    private func moveOn(from place: EndpointPlace) {
        guard endpoints.contains(where: { $0.identity == place.identity && $0.connectionCount == 0 }),
            case .name(let name, _) = place.plan.address, let former = chosen[place.plan.address],
            former.with(port: 0) == place.address.with(port: 0),
            let answer = names.addresses[name], !answer.isEmpty
        else { return }
        let index = answer.firstIndex(of: former).map { ($0 + 1) % answer.count } ?? 0
        chosen[place.plan.address] = answer[index]
        resolve(names)
    }

    /// Applies the present verdicts of health checks and outlier detection.
    package func refresh() {
        for endpoint in endpoints { endpoint.refreshHealth() }
        balancer.refresh(now: context.loop.now)
    }

    /// Some priority panics: so few of its endpoints are healthy that health is ignored.
    package var isPanicking: Bool { balancer.isPanicking }

    /// In no snapshot any more: its connections close with their last request.
    package func retire() {
        let former = endpoints
        endpoints = []
        // Nothing that waits at one goes to another, nor back to it.
        balancer.setMembers([], now: context.loop.now)
        for endpoint in former { endpoint.retire() }
    }

    /// Whether its schema should be refreshed, because a method is missing somewhere: once in a while.
    package func missesMethod() -> Bool {
        guard plan.schema?.reflection != nil, context.loop.now >= quietUntil else { return false }
        quietUntil = context.loop.now + .seconds(1)
        return true
    }

    // MARK: Calls

    /// What the choice of an endpoint depends on.
    package struct PickRequest {
        /// What calls that belong together have in common; `nil` for none.
        package var hash: UInt64?
        package var isHighPriority = false
        /// Where no endpoint is healthy none is tried, even where so few are that their health would not be believed: the call can go
        /// elsewhere.
        package var needsHealthy = false
        /// Chosen only where there is no other. It lives for the length of the call.
        package var avoided: Borrowed<Endpoint>?

        package init(avoiding avoided: Borrowed<Endpoint>? = nil) {
            self.avoided = avoided
        }
    }

    /// Where a call goes.
    package enum Choice {
        case endpoint(Borrowed<Endpoint>)
        case refused(RefusalCause)
    }

    /// The endpoint for an attempt.
    package func choose(_ request: PickRequest) -> Choice {
        if guards.limits, let limits = limits(isHighPriority: request.isHighPriority), record.usage.requests >= limits.requests {
            record.usage.recordOverflow()
            return .refused(.circuitFull(retryAfter: nil))
        }
        let now = context.loop.now
        if guards.breaker, let breaker = record.breaker, !breaker.wouldAdmit(at: now) {
            return .refused(.circuitOpen(retryAfter: breaker.opensIn(now)))
        }
        if request.needsHealthy, !balancer.hasHealthyMember { return .refused(.noHealthyEndpoint(retryAfter: nil)) }
        switch balancer.pick(hash: request.hash, avoiding: request.avoided?.member, now: now) {
        case .member(let member):
            if guards.breaker, let breaker = record.breaker, !breaker.admit(at: now) {
                return .refused(.circuitOpen(retryAfter: breaker.opensIn(now)))
            }
            guard let owner = member.owner else { preconditionFailure("a member without its endpoint") }
            return .endpoint(Borrowed(owner))
        case .blocked(let time): return .refused(.circuitOpen(retryAfter: time))
        case .noneHealthy: return .refused(.noHealthyEndpoint(retryAfter: nil))
        }
    }

    private func limits(isHighPriority: Bool) -> CircuitLimits? {
        guard guards.limits else { return nil }
        return record.settings.limits(isHighPriority: isHighPriority)
    }

    /// Acquires a place among the running retries, released by `releaseRetry`; false where there is none.
    package func acquireRetry(isHighPriority: Bool) -> Bool {
        let usage = record.usage
        let isWithinLimit = limits(isHighPriority: isHighPriority)?.retries.map { usage.retries < $0 } ?? true
        let isWithinBudget = record.settings.retryBudget?.allows(usage.retries, beside: usage.requests) ?? true
        guard isWithinLimit, isWithinBudget else {
            usage.recordOverflow()
            return false
        }
        usage.addRetries(1)
        return true
    }

    package func releaseRetry() { record.usage.addRetries(-1) }

    /// Acquires a place among the running hedges, released by `releaseHedges`; false where there is none.
    package func acquireHedge() -> Bool {
        let usage = record.usage
        guard record.settings.hedgeBudget?.allows(usage.hedges, beside: usage.requests) ?? true else {
            usage.recordOverflow()
            return false
        }
        usage.addHedges(1)
        return true
    }

    package func releaseHedges(_ count: Int) { record.usage.addHedges(-count) }

    /// An attempt at `endpoint` that began at `began` has ended: once for each.
    package func record(_ outcome: AttemptOutcome, of endpoint: Borrowed<Endpoint>, began: Instant) {
        guard guards.observes else { return }
        let now = context.loop.now
        let isChanged = endpoint { record.record(outcome, of: $0.record, began: began, now: now) }
        guard isChanged else { return }
        refresh()
        record.announceChange()
    }
}
