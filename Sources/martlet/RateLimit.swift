import ArgumentParser
import Config
import Control
import RateLimitService

struct RateLimit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ratelimit",
        abstract: "Run the rate-limit service (Envoy's RLS v3), with counters in Redis or in memory.",
        discussion: """
            The rules are those of envoyproxy/ratelimit, in FILE or in the files and folders that its rule_files names, which are \
            read again when they change. SIGHUP reloads the configuration; changes of workers, admin and rate_limits take \
            effect at the next start. SIGTERM and SIGINT drain; a second one exits immediately.
            """)

    @Argument(help: "The configuration file with listeners, store and rules, for example limits.yaml.")
    var file: String?

    @Flag(name: .customLong("import"), help: "Print which key each environment variable of envoyproxy/ratelimit becomes, and end.")
    var printsImport = false

    func validate() throws {
        guard printsImport == (file == nil) else {
            throw ValidationError(printsImport ? "Found FILE beside --import." : "Missing expected argument '<file>'")
        }
    }

    func run() throws {
        guard let file else { return print(ImportTable.text { Files.environment($0) != nil }, terminator: "") }
        let diagnostics = Diagnostics()
        do {
            let process = try LimitServiceProcess(
                { recording in
                    switch Files.text(file) {
                    case .failure(let failure): ConfigurationReading(nil, .none, [Files.unreadable(file, failure)])
                    case .success(let text):
                        LimitServiceConfiguration.read(
                            text: text, file: file, environment: Files.environment,
                            readFile: { path in
                                recording(path)
                                return Files.text(path)
                            }, listFolder: { RuleFolder.files(of: $0, recording: recording) })
                    }
                }, readFile: Files.bytes, diagnostics: diagnostics, serviceManager: Files.environment("NOTIFY_SOCKET"))
            throw ExitCode(process.run())
        } catch let failure as StartFailure {
            diagnostics.log("martlet: \(failure.message)")
            throw ExitCode(1)
        }
    }
}
