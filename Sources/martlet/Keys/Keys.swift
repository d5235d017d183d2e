import ArgumentParser

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make keys and key sets.", subcommands: [KeysGenerate.self, KeysShow.self])
}
