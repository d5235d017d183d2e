import ArgumentParser
import Config
import Control

/// The command line.
@main
struct Martlet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A gRPC API gateway: TLS, authentication, authorization, rate limits and load balancing in one program.",
        version: Version.text,
        subcommands: [Serve.self, Check.self, RateLimit.self, Quota.self, Keys.self, Token.self, Call.self, Demo.self])

    /// For `help` with an unknown command the parser would print its overview and exit with status 0.
    static func main() {
        let words = CommandLine.arguments.dropFirst()
        if words.first == "help", let mistake = mistake(in: words.dropFirst()) { exit(withError: mistake) }
        main(nil)
    }

    private static func mistake(in words: ArraySlice<String>) -> ValidationError? {
        var command: any ParsableCommand.Type = Self.self
        for word in words where word != "help" && !word.hasPrefix("-") {
            let known = command.configuration.subcommands
            guard let next = known.first(where: { $0._commandName == word }) else {
                let expected = known.isEmpty ? "no more" : Quoted.alternatives(known.map { $0._commandName })
                return ValidationError("Found \(Quoted.text(word)), expected \(expected).")
            }
            command = next
        }
        return nil
    }
}
