import ArgumentParser

/// The command line.
@main
struct Martlet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A gRPC-first API gateway: TLS, tokens, rules, quotas and load balancing in one program.",
        subcommands: [Serve.self, Check.self, RateLimit.self, Keys.self, Token.self, Demo.self])
}
