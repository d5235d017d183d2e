internal import Config
internal import GatewayModel
internal import RateLimit
internal import Reactor
internal import Time
internal import Transport
internal import Upstreams

/// A store of a configuration that can be looked at: a Redis, with what its connections are made from.
struct InspectedStore {
    let location: RedisLocation
    let tls: UpstreamTLS?
    let prefix: String
    var heartbeatTimeout = StoreConfiguration.defaults.heartbeatTimeout
    /// Limits of a day and longer are counted in it.
    var keepsDays = false
    /// How the names of its servers are looked up.
    var resolver = ResolverConfiguration.defaults
}

extension InspectedStore {
    /// `nil` where the limits are counted elsewhere.
    init?(_ plan: StorePlan, lookingUp resolver: ResolverConfiguration) {
        guard case .redis(let location, let tls) = plan.location else { return nil }
        self.init(location: location, tls: tls, prefix: plan.domain, heartbeatTimeout: plan.heartbeatTimeout, resolver: resolver)
    }

    /// Where it is written.
    var path: ConfigurationPath {
        location.name.map { ConfigurationPath("stores")[$0] } ?? ConfigurationPath("rate_limits")["store"]
    }

    func inspect(
        isThorough: Bool, _ context: WorkerContext, _ readFile: @escaping (String) -> Result<[UInt8], FileFailure>,
        completion: @escaping ([StoreInspection.Finding]) -> Void
    ) -> StoreInspection {
        StoreInspection(
            location, prefix: prefix, isThorough: isThorough, keepsDays: keepsDays,
            dialers: LookedUpHosts(tls, context, lookingUp: resolver, readFile),
            on: context.loop, completion: completion)
    }

    /// On a loop of its own: for a command that has nothing else to do.
    func inspectNow(_ readFile: @escaping (String) -> Result<[UInt8], FileFailure>) -> [StoreInspection.Finding] {
        guard let loop = try? EventLoop() else { return [] }
        let context = WorkerContext(index: -1, loop: loop)
        var found: [StoreInspection.Finding]?
        let inspection = inspect(isThorough: true, context, readFile) { found = $0 }
        return withExtendedLifetime(inspection) {
            while found == nil { loop.tick(wait: true) }
            return found ?? []
        }
    }
}

/// Looks at the store whenever a process takes another one into service, and says what it finds once.
final class StoreInspections {
    private let context: WorkerContext
    private let readFile: (String) -> Result<[UInt8], FileFailure>
    private let say: (String) -> Void
    private var running: StoreInspection?

    init(
        _ context: WorkerContext, readFile: @escaping (String) -> Result<[UInt8], FileFailure>, say: @escaping (String) -> Void
    ) {
        self.context = context
        self.readFile = readFile
        self.say = say
    }

    func inspect(_ store: InspectedStore?) {
        running?.cancel()
        running = nil
        guard let store else { return }
        let name = store.location.description
        running = store.inspect(isThorough: false, context, readFile) { [unowned self] findings in
            for finding in findings { say("warning: store \(name): \(finding.text)") }
        }
    }
}
