import ArgumentParser
import Config
import Control
import Time

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find every mistake in a configuration at once.",
        discussion: """
            A configuration of the gateway, or of the rate-limit service: that one has domains, and the last line says so. \
            It is read as martlet serve reads it: a regular file, no pipe. The files that it names are looked at too; nothing is \
            started, opened for writing or called.

            Prints FILE:LINE:COLUMN: what was found and what was expected. Exit status 1 where there is a mistake.
            """)

    @Argument(help: "The configuration, for example martlet.yaml or limits.yaml.")
    var file: String

    func run() throws {
        let text: String
        switch Files.text(file) {
        case .success(let contents): text = contents
        case .failure(let failure):
            print([Files.unreadable(file, failure)].report)
            throw ExitCode(1)
        }
        let check = ConfigurationCheck(
            text: text, file: file, environment: Files.environment, readText: Files.text, readFile: Files.bytes, now: .now())
        if !check.issues.isEmpty { print(check.issues.report, terminator: "") }
        let kind = check.kind == .rateLimitService ? ", as the rules of martlet ratelimit" : ""
        if check.issues.hasErrors {
            if !kind.isEmpty { print("\(file): checked\(kind)") }
            throw ExitCode(1)
        }
        print("\(file): good\(kind)")
    }
}
