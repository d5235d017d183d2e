import ArgumentParser
import Config
import Control
import Gateway
import Metrics
import RateLimit
import TLS
import Time

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find every mistake in a configuration at once.",
        discussion: "Prints FILE:LINE:COLUMN: what was found and what was expected. Exit status 1 where there is a mistake.")

    @Argument(help: "The configuration, for example martlet.yaml.")
    var file: String

    func run() throws {
        let source = Files.source(file)
        let (configuration, issues) = source.read()
        var all = issues
        if let configuration {
            var builder = SnapshotBuilder(
                configuration,
                .init(
                    readFile: source.readFile, counterSeed: .random(), ticketKeys: TicketKeys(now: .now()),
                    metrics: GatewayMetrics(registry: MetricRegistry()), now: .now()))
            all += builder.build(generation: 1).1
        }
        if !all.isEmpty { print(all.report) }
        if all.hasErrors { throw ExitCode(1) }
        print("\(file): good")
    }
}
