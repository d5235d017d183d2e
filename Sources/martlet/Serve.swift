import ArgumentParser
import Control

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the gateway.",
        discussion: """
            SIGHUP reloads the configuration; one with an error is rejected and the current one stays in use. SIGUSR1 reopens \
            the access log after rotation. SIGTERM and SIGINT drain: running calls have drain.timeout to finish. A second \
            one exits immediately.
            """)

    @Argument(help: "The configuration file, for example martlet.yaml.")
    var file: String

    func run() throws {
        let diagnostics = Diagnostics()
        do {
            let status = try GatewayProcess(Files.source(file), diagnostics: diagnostics).run()
            throw ExitCode(status)
        } catch let failure as StartFailure {
            diagnostics.log("martlet: \(failure.message)")
            throw ExitCode(1)
        }
    }
}
