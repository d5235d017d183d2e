/// Why a command could not do what it was asked: one line for whoever asked. Ends the process with status 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
