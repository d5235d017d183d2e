package import Config
internal import Gateway
internal import GatewayModel
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

    package init(
        text: String, file: String, environment: @escaping (String) -> String?,
        readText: @escaping (String) -> Result<String, FileFailure>,
        readFile: @escaping (String) -> Result<[UInt8], FileFailure>, now: WallTime
    ) {
        let found: [Issue]
        var snapshot: Snapshot?
        if LimitServiceConfiguration.isMeant(by: text, file: file) {
            kind = .rateLimitService
            found = Self.service(
                LimitServiceConfiguration.draft(text: text, file: file, environment: environment, readFile: readText),
                FileOpener(read: readFile, now: now))
        } else {
            kind = .gateway
            found = Self.gateway(
                GatewayConfiguration.draft(text: text, file: file, environment: environment, readFile: readText), readFile, now,
                &snapshot)
        }
        issues = found.inOrder
        pipelines = snapshot.map { Pipeline.all(of: $0) } ?? []
    }

    private static func gateway(
        _ read: (draft: GatewayConfiguration?, issues: [Issue]),
        _ readFile: @escaping (String) -> Result<[UInt8], FileFailure>, _ now: WallTime, _ snapshot: inout Snapshot?
    ) -> [Issue] {
        guard let draft = read.draft else { return read.issues }
        var builder = SnapshotBuilder(
            draft,
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
        return read.issues + built + PlaceCheck.issues(of: draft)
    }

    private static func service(
        _ read: (draft: LimitServiceConfiguration?, issues: [Issue]), _ files: consuming FileOpener
    ) -> [Issue] {
        guard let draft = read.draft else { return read.issues }
        let ticketKeys = TicketKeys(now: .now())
        for listener in draft.listeners { _ = files.listenerPlan(listener, speaking: [.http2], ticketKeys: ticketKeys) }
        _ = LimitServiceStore(draft.rateLimits, &files)
        return read.issues + files.issues + PlaceCheck.issues(of: draft.listeners, admin: draft.admin)
    }
}
