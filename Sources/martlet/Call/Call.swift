import ArgumentParser
import Calling
import Config
import Control
import Glibc
import TLS
import Transport

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Call a gRPC server: JSON in and out, schema by reflection.",
        usage: """
            martlet call [OPTIONS] ADDRESS METHOD [JSON …]
            martlet call [OPTIONS] ADDRESS list [SERVICE]
            martlet call [OPTIONS] ADDRESS describe [SYMBOL]
            """,
        discussion: """
            ADDRESS is HOST:PORT or unix:PATH; list and describe need none with --descriptors. METHOD is \
            pkg.Service/Method. JSON is a message, @FILE, or - for standard input. A client-streaming method takes several \
            messages, in sequence or in one array. The default is an empty message, or standard input for a stream. \
            Requests are sent as they are read, and responses printed as they arrive, one per line.

            Reflection is first tried without the token, which is only sent if that is refused.

            Exit status: 0 for OK, 1 for an invalid request, 2 if there is no connection, 64 + code for any other gRPC \
            status (67 is INVALID_ARGUMENT, 80 UNAUTHENTICATED), 64 for an invalid command line.
            """)

    @Argument(help: ArgumentHelp("Server, method and request messages.", valueName: "address> <method> <json"))
    var words: [String]

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp(
            "Metadata to send; values of names that end in -bin are base64. Repeatable.", valueName: "name: value"))
    var header: [String] = []

    @Option(help: ArgumentHelp("Bearer token. @FILE keeps it out of the process list.", valueName: "token|@file"))
    var token: String?

    @Option(help: ArgumentHelp("Deadline of the call, such as 500ms or 5s.", valueName: "duration"))
    var deadline: String?

    @Option(
        help: ArgumentHelp(
            "Descriptor set, as written by protoc --include_imports --descriptor_set_out, instead of reflection. Repeatable.",
            valueName: "file"))
    var descriptors: [String] = []

    @Option(help: ArgumentHelp("Value of :authority, if not ADDRESS.", valueName: "host:port"))
    var authority: String?

    @OptionGroup(title: "TLS") var tls: CallTLS

    @Flag(inversion: .prefixedNo, help: "Indent responses over several lines. Default on a terminal.")
    var pretty: Bool?

    @Flag(name: .shortAndLong, help: "Also print response headers, trailers and an OK status.")
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
        let console = Console(answer: StandardOutput.write, say: Diagnostics().log)
        throw ExitCode(try CallProcess.run(options, to: target, console: console).number)
    }
}
