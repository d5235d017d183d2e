internal import Balancing
internal import Config
internal import Gateway
internal import GatewayModel
internal import RateLimit
internal import Reactor
internal import Schemas
internal import Snapshots
internal import TLS

/// Makes snapshots of configurations on the control loop, and waits for nothing: proto files are compiled on another thread.
final class SnapshotMaker {
    typealias Outcome = (product: SnapshotBuilder.Product?, issues: [Issue])

    private let readFile: (String) -> Result<[UInt8], FileFailure>
    private let loop: EventLoop
    private let counters: CounterRegistry
    private let ticketKeys: TicketKeys
    private let metrics: GatewayMetrics
    private let clusters: ClusterRegistry
    private let schemas: SchemaStore
    private let compilers = RunningSubprocesses()

    init(
        readFile: @escaping (String) -> Result<[UInt8], FileFailure>, loop: EventLoop, counters: CounterRegistry,
        ticketKeys: TicketKeys, metrics: GatewayMetrics, clusters: ClusterRegistry, schemas: SchemaStore
    ) {
        self.readFile = readFile
        self.loop = loop
        self.counters = counters
        self.ticketKeys = ticketKeys
        self.metrics = metrics
        self.clusters = clusters
        self.schemas = schemas
    }

    /// - Parameters:
    ///   - files: what is read is watched by it.
    ///   - completion: called before this returns, or later on the loop where something is to be compiled first.
    func make(
        _ configuration: GatewayConfiguration, writtenAt places: PlaceIndex, generation: UInt64, watching files: FileWatch,
        completion: @escaping (Outcome) -> Void
    ) {
        build(configuration, places, generation, files, ProtoCompilations(mailbox: loop.mailbox, running: compilers), completion)
    }

    /// Ends what still compiles; nothing comes of it any more.
    func stop() { compilers.killAll() }

    private func build(
        _ configuration: GatewayConfiguration, _ places: PlaceIndex, _ generation: UInt64, _ files: FileWatch,
        _ protos: ProtoCompilations, _ completion: @escaping (Outcome) -> Void
    ) {
        var builder = SnapshotBuilder(
            configuration, writtenAt: places,
            .init(
                readFile: files.watching(readFile), counters: counters, ticketKeys: ticketKeys, metrics: metrics,
                now: loop.wall, clusters: clusters, schemas: schemas, folders: protos.folders(recording: files.record)))
        let outcome = builder.build(generation: generation)
        let isCompiling = protos.compile { [self] in build(configuration, places, generation, files, protos, completion) }
        if !isCompiling { completion(outcome) }
    }
}
