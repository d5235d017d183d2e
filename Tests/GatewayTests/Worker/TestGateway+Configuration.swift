import Config
import GatewayModelTesting
import Metrics
import RateLimit
import Snapshots
import Time

@testable import Gateway

extension TestGateway {
    /// Takes a whole configuration into service, as it would be written: one worker, no authentication, and a listener that is
    /// there already.
    func adopt(written text: String, generation: UInt64 = 2) throws {
        let (read, report) = readConfiguration("workers: 1\n" + text, without: ["authentication"])
        guard let configuration = read else { throw Mistakes(text: report) }
        var builder = SnapshotBuilder(
            configuration,
            .init(
                readFile: { _ in .failure(FileFailure("none")) }, counters: counters, ticketKeys: tickets,
                metrics: metrics, now: WallTime(seconds: 1_000_000), clusters: registry))
        guard let snapshot = builder.build(generation: generation).0?.snapshot else { throw Mistakes(text: "not built") }
        gateway.adopt(snapshot)
    }

    /// What the series of `family` with this label has counted.
    func count(_ family: String, _ label: String) -> Int {
        let series = metrics.registry.read().first { $0.name == family }?.series
        guard case .count(let count) = series?.first(where: { $0.labels.contains { $0.value == label } })?.value else { return 0 }
        return Int(count)
    }
}
