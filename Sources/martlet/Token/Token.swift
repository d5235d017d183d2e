import ArgumentParser

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create or decode a token.", subcommands: [TokenMint.self, TokenInspect.self])
}
