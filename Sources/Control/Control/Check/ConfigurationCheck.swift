package import Config
internal import Gateway
internal import GatewayChecks
internal import GatewayModel
internal import LimitRules
internal import Metrics
internal import RateLimit
internal import RateLimitService
internal import Snapshots
internal import TLS
package import Time
internal import Transport

/// `martlet check`: every mistake that shows without a start, those in the files that a configuration names included.
///
/// A mistake in the text does not keep the files from being looked at: what could be read of the configuration says which.
package struct ConfigurationCheck {
    /// The command that a configuration is for.
    package enum Kind: Sendable {
        case gateway
        case rateLimitService
    }

    package let kind: Kind
    package let issues: [Issue]
    /// What calls go through, for each route and each of its methods; empty where the configuration has mistakes.
    package let pipelines: [Pipeline]

    private let store: InspectedStore?
    private let places: PlaceIndex
    private let readFile: (String) -> Result<[UInt8], FileFailure>

    package init(
        text: String, file: String, environment: @escaping (String) -> String?,
        readText: @escaping (String) -> Result<String, FileFailure>,
        readFile: @escaping (String) -> Result<[UInt8], FileFailure>, now: WallTime
    ) {
        self.readFile = readFile
        let found: [Issue]
        var snapshot: Snapshot?
        if LimitServiceConfiguration.isMeant(by: text, file: file) {
            kind = .rateLimitService
            let read = LimitServiceConfiguration.draft(
                text: text, file: file, environment: environment, readFile: readText
            ) { RuleFolder.files(of: $0) }
            places = read.places
            var windows: LimitServiceStore?
            found = Self.service(read, readFile, now, &windows)
            var inspected = windows?.inspected
            inspected?.keepsDays = read.value?.domains.contains { $0.descriptors.contains(where: \.countsDays) } == true
            store = inspected
        } else {
            kind = .gateway
            let read = GatewayConfiguration.draft(text: text, file: file, environment: environment, readFile: readText)
            places = read.places
            found = Self.gateway(read, readFile, now, &snapshot)
            var inspected = snapshot.flatMap { InspectedStore($0.store, lookingUp: read.value?.resolver ?? .defaults) }
            inspected?.keepsDays = read.value?.countsDays == true
            store = inspected
        }
        issues = found.inOrder
        pipelines = snapshot.map { Pipeline.all(of: $0) } ?? []
    }

    /// Connects to the store, and tells what keeps it from counting. Waits for it.
    package func online() -> [Issue] {
        guard let store else { return [] }
        let findings = Findings(places)
        for finding in store.inspectNow(readFile) {
            findings.report(finding.text, at: store.path, severity: finding.isError ? .error : .warning)
        }
        return findings.issues
    }

    private static func gateway(
        _ read: ConfigurationReading<GatewayConfiguration>,
        _ readFile: @escaping (String) -> Result<[UInt8], FileFailure>, _ now: WallTime, _ snapshot: inout Snapshot?
    ) -> [Issue] {
        guard let draft = read.value else { return read.issues }
        var builder = SnapshotBuilder(
            draft, writtenAt: read.places,
            .init(
                readFile: readFile, counters: CounterRegistry(), ticketKeys: TicketKeys(now: .now()),
                metrics: GatewayMetrics(registry: MetricRegistry()), now: now, folders: .onDisk { _ in }))
        // The builder that serves may look at more than files; it wants a whole configuration.
        let built: [Issue]
        if read.issues.hasErrors {
            built = builder.fileIssues()
        } else {
            let (product, issues) = builder.build(generation: 1)
            snapshot = product?.snapshot
            built = issues
        }
        return read.issues + built + PlaceCheck.issues(of: draft, read.places)
    }

    private static func service(
        _ read: ConfigurationReading<LimitServiceConfiguration>,
        _ readFile: @escaping (String) -> Result<[UInt8], FileFailure>, _ now: WallTime, _ store: inout LimitServiceStore?
    ) -> [Issue] {
        guard let draft = read.value else { return read.issues }
        var files = FileOpener(read: readFile, places: read.places, now: now)
        _ = files.listenerPlans(draft.listeners, speaking: LimitServer.protocols, ticketKeys: TicketKeys(now: .now()))
        store = LimitServiceStore(draft.rateLimits, &files)
        return read.issues + files.issues + PlaceCheck.issues(of: draft.listeners, admin: draft.admin, read.places)
    }
}

extension GatewayConfiguration {
    /// A limit of it counts for a day or longer.
    fileprivate var countsDays: Bool {
        let lists = routes.flatMap { route in [route.limits] + route.methods.map(\.limits) } + plans.map(\.limits)
        return lists.joined().contains { $0.effect == .count && $0.rule.countsDays }
    }
}

extension LimitRule {
    fileprivate var countsDays: Bool {
        switch effectiveAlgorithm {
        case .fixed, .sliding: window.nominalSeconds >= 86_400
        case .tokenBucket, .concurrency: false
        }
    }
}

extension LimitDescriptor {
    fileprivate var countsDays: Bool {
        if case .requests(_, per: let unit)? = limit?.amount, unit.seconds * (limit?.multiplier ?? 1) >= 86_400 { return true }
        return descriptors.contains(where: \.countsDays)
    }
}
