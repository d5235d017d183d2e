import ArgumentParser
import Control

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the gateway.",
        discussion: """
            SIGHUP reads the configuration again; a bad one changes nothing. SIGUSR1 opens the access log again, after the \
            file was moved. SIGTERM and SIGINT let running calls finish within drain.timeout; a second one ends at once.
            """)

    @Argument(help: "The configuration, for example martlet.yaml.")
    var file: String

    func run() throws {
        let notices = Notices()
        do {
            let status = try GatewayProcess(Files.source(file), notices: notices).run()
            throw ExitCode(status)
        } catch let failure as StartFailure {
            notices.say("martlet: \(failure.message)")
            throw ExitCode(1)
        }
    }
}
