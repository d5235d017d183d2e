import ArgumentParser
import Calling
import Config
import Control
import Glibc
import Sockets
import TLS
import Transport

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Call a gRPC server: JSON in and out, the schema by reflection.",
        usage: """
            martlet call [OPTIONS] ADDRESS METHOD [JSON …]
            martlet call [OPTIONS] ADDRESS list [SERVICE]
            martlet call [OPTIONS] ADDRESS describe [SYMBOL]
            """,
        discussion: """
            ADDRESS is HOST:PORT or unix:PATH; with --descriptors, list and describe need none. METHOD is \
            pkg.Service/Method. JSON is one message, @FILE, or - for standard input; a method that takes a stream takes \
            several, one after the other or in one array. Left out, it is an empty message, or standard input for a stream. \
            Messages are sent as they are read, and answers printed as they come, one a line.

            A token is sent with reflection only where that is refused without it.

            Exit status: 0 for OK, 1 for a mistake in what was asked, 2 where there is no connection, 64 and the code for \
            every other gRPC status (67 is INVALID_ARGUMENT, 80 UNAUTHENTICATED), 64 itself for a bad command line.
            """)

    @Argument(help: ArgumentHelp("Where, what, and its messages.", valueName: "address> <method> <json"))
    var words: [String]

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp(
            "Metadata to send; the values of -bin names in base64. May be given several times.", valueName: "name: value"))
    var header: [String] = []

    @Option(help: ArgumentHelp("Sent as a bearer token. @FILE keeps it out of the list of processes.", valueName: "token|@file"))
    var token: String?

    @Option(help: ArgumentHelp("How long the call may take, such as 500ms or 5s.", valueName: "duration"))
    var deadline: String?

    @Option(
        help: ArgumentHelp(
            "The schema as protoc --include_imports --descriptor_set_out writes it, instead of reflection. May be given several times.",
            valueName: "file"))
    var descriptors: [String] = []

    @Option(help: ArgumentHelp("What the call is addressed to, if not ADDRESS.", valueName: "host:port"))
    var authority: String?

    @OptionGroup(title: "TLS") var tls: CallTLS

    @Flag(inversion: .prefixedNo, help: "Answers over several lines. Default on a terminal.")
    var pretty: Bool?

    @Flag(name: .shortAndLong, help: "Tell the head and the trailers of the answer, and the status of a good one.")
    var verbose = false

    func run() throws {
        let asked = try CallWords(words, hasDescriptors: !descriptors.isEmpty)
        var options = CallOptions(action: asked.action)
        options.descriptorSets = try descriptors.map(CallFiles.read)
        options.metadata = try header.map { text in
            do throws(HeaderText.Mistake) { return try HeaderText.read(text) } catch {
                throw ValidationError("found \(Quoted.text(text)) for --header: \(error).")
            }
        }
        options.token = try token.map(CallFiles.token)
        options.deadline = try deadline.map { text in
            guard let duration = DurationText.read(text), duration > .zero else {
                throw ValidationError("found \(Quoted.text(text)) for --deadline, expected a duration such as 500ms or 5s.")
            }
            return duration
        }
        options.isVerbose = verbose
        options.isPretty = pretty ?? (isatty(STDOUT_FILENO) == 1)
        let target = try asked.address.map { try tls.target($0, authority: authority) }
        let console = Console(answer: StandardOutput.write, say: Notices().say)
        throw ExitCode(try CallProcess.run(options, to: target, console: console).number)
    }
}
