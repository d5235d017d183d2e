internal import Balancing
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Net
internal import Random
internal import Reactor
internal import Sockets
internal import TLS
internal import Transport

/// Checks one endpoint periodically, and writes the result into the endpoint's record.
///
///     waiting ──interval──▶ checking ──passed, failed, or no answer in time──▶ waiting
///
/// A gRPC endpoint that has Watch is watched as well, on the same connection: a NOT_SERVING status takes effect immediately, and any
/// other status triggers a check immediately.
final class HealthProbe: ClientConnectionOwner {
    private let address: SocketAddress
    private let tls: (context: ClientContext, name: ServerName)?
    private let authority: String
    private let applicationProtocol: ApplicationProtocol
    private let plan: HealthCheckConfiguration
    private let record: EndpointRecord
    private unowned(unsafe) let context: WorkerContext
    private let changed: () -> Void
    private var random: RandomGenerator
    private var threshold: HealthThreshold
    private var connection: ClientConnection?
    private var call: ProbeCall?
    private var watch: ProbeCall?
    private var connecting: ConnectProbe?
    private var hasNoWatch = false
    private var isChecking = false
    private var next: Timer?
    private var limit: Timer?

    /// - Parameter changed: called when the verdict is another.
    init(
        _ place: EndpointPlace, tls: (context: ClientContext, name: ServerName)?, speaking applicationProtocol: ApplicationProtocol,
        plan: HealthCheckConfiguration, record: EndpointRecord, context: WorkerContext, seed: UInt64,
        changed: @escaping () -> Void
    ) {
        address = place.address
        self.tls = tls
        if case .unix = place.address { authority = "localhost" } else { authority = place.address.description }
        self.applicationProtocol = applicationProtocol
        self.plan = plan
        self.record = record
        self.context = context
        self.changed = changed
        random = RandomGenerator(seed: seed)
        threshold = HealthThreshold(healthy: plan.healthyThreshold, unhealthy: plan.unhealthyThreshold)
        next = Timer(on: context.loop) { [unowned self] in check() }
        limit = Timer(on: context.loop) { [unowned self] in timeIsUp() }
    }

    func start() { check() }

    /// Nothing is checked any more.
    func stop() {
        next = nil
        limit = nil
        drop()
    }

    // MARK: Checking

    private func check() {
        guard !isChecking else { return }
        isChecking = true
        limit?.arm(after: plan.timeout)
        if case .tcp = plan.kind {
            do throws(SystemError) {
                connecting = try ConnectProbe(address, tls: tls, context: context) { [unowned self] in end($0) }
            } catch {
                cannotConnect(error)
            }
        } else if let connection, connection.hasRoom {
            ask(connection)
        } else if connection == nil {
            do throws(SystemError) {
                connection = try ClientConnection(
                    to: address, tls: tls, speaking: applicationProtocol, limits: .defaults, streamLimit: 10,
                    context: context, owner: self)
            } catch {
                cannotConnect(error)
            }
        }
    }

    /// A shortage in this process is no fault of the endpoint: the next check decides.
    private func cannotConnect(_ error: SystemError) {
        end(DescriptorShortage.isShortage(error.code) ? .notMade : .failed)
    }

    private func ask(_ connection: ClientConnection) {
        switch plan.kind {
        case .grpc(let service):
            startWatch(service, connection)
            call = ProbeCall.health(
                HealthCheck.checkPath, service: service, authority: authority, isSecure: tls != nil, on: connection
            ) { [unowned self] event in end(event == .status(.serving)) }
        case .http(let path):
            call = ProbeCall.get(path, authority: authority, isSecure: tls != nil, on: connection) { [unowned self] event in
                guard case .answered(let status) = event else { return end(false) }
                end((200...299).contains(status))
            }
        case .tcp: return
        }
        if call == nil { end(false) }
    }

    private func timeIsUp() {
        // An endpoint that does not answer may not answer on this connection again.
        drop()
        end(false)
    }

    private enum Outcome { case passed, failed, notMade }

    private func end(_ isPassed: Bool) { end(isPassed ? .passed : .failed) }

    private func end(_ outcome: Outcome) {
        guard isChecking else { return }
        isChecking = false
        limit?.disarm()
        call?.cancel()
        call = nil
        connecting?.cancel()
        connecting = nil
        let jitter = plan.interval * plan.jitterPercent / 100
        let longer = jitter > .zero ? Duration.milliseconds(random.below(Int(jitter / .milliseconds(1)) + 1)) : .zero
        next?.arm(after: plan.interval + longer)
        if outcome != .notMade { apply(threshold.record(isPassed: outcome == .passed)) }
    }

    private func apply(_ isHealthy: Bool) {
        if record.setCheck(isPassed: isHealthy) { changed() }
    }

    // MARK: Watching

    private func startWatch(_ service: String, _ connection: ClientConnection) {
        guard watch == nil, !hasNoWatch else { return }
        watch = ProbeCall.health(
            HealthCheck.watchPath, service: service, authority: authority, isSecure: tls != nil, on: connection
        ) { [unowned self] event in received(event) }
    }

    private func received(_ event: ProbeCall.Event) {
        switch event {
        case .status(.serving):
            // It has been unhealthy: the check that follows counts as any other.
            if record.hasFailedCheck { check() }
        case .status:
            threshold.set(false)
            apply(false)
        case .ended(let status):
            hasNoWatch = status == .unimplemented
            watch = nil
        case .answered: break
        }
    }

    // MARK: ClientConnectionOwner

    func clientConnectionOpened(_ connection: ClientConnection) {
        if isChecking, call == nil { ask(connection) }
    }

    func clientConnectionHasRoom(_ connection: ClientConnection) {}

    func clientConnectionDraining(_ connection: ClientConnection) {
        guard connection === self.connection else { return }
        // Calls that run on it end by themselves; a Watch would keep it open for ever.
        watch?.cancel()
        watch = nil
    }

    func clientConnectionClosed(_ connection: ClientConnection, _ reason: ChannelEnd) {
        guard connection === self.connection else { return }
        self.connection = nil
        watch = nil
        if isChecking { end(false) }
    }

    private func drop() {
        call?.cancel()
        call = nil
        watch?.cancel()
        watch = nil
        connecting?.cancel()
        connecting = nil
        guard let connection else { return }
        self.connection = nil
        connection.owner = nil
        connection.channel.abort()
    }
}
