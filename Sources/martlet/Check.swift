import ArgumentParser
import Config
import Control
import Time

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report all errors in a configuration at once.",
        discussion: """
            FILE is a configuration of martlet serve, or of martlet ratelimit if it has domains; the last line says which. \
            It must be a regular file, as for martlet serve. The files that it refers to are checked too. Nothing is started, \
            opened for writing or, without --online, connected to.

            Each error is printed as FILE:LINE:COLUMN with what was found and what was expected. The exit status is 1 if there \
            are any.
            """)

    @Argument(help: "The configuration file, for example martlet.yaml or limits.yaml.")
    var file: String

    @Flag(help: "Also print what the calls of each route and method go through, in order.")
    var pipeline = false

    @Flag(help: "Also connect to the store of the limits, and report what keeps it from counting.")
    var online = false

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
        let kind = check.kind == .rateLimitService ? ", as a configuration of martlet ratelimit" : ""
        if check.issues.hasErrors {
            if !kind.isEmpty { print("\(file): checked\(kind)") }
            throw ExitCode(1)
        }
        if online {
            let found = check.online()
            if !found.isEmpty { print(found.report, terminator: "") }
            if found.hasErrors { throw ExitCode(1) }
        }
        if pipeline { for line in check.pipelines { print(line.text) } }
        print("\(file): good\(kind)")
    }
}
