import ArgumentParser

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make or read a token.", subcommands: [TokenMint.self, TokenInspect.self])
}
