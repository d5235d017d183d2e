import ArgumentParser

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create and print keys and key sets.", subcommands: [KeysGenerate.self, KeysShow.self])
}
