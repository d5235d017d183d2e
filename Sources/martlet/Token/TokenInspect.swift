import ArgumentParser
import Bytes
import Config
import Control
import Glibc
import JOSE
import JSON
import Time

struct TokenInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Decode a token; with --jwks, also verify it.",
        discussion: """
            A token is a credential: standard input keeps it out of the process list and the shell history.

            With --jwks the token is verified as the gateway would, with 60 s of leeway, and the exit status is 1 if it is \
            not valid.
            """)

    @Argument(help: "The token. Default, or with -: read from standard input.")
    var token: String?

    @Option(
        name: .customLong("jwks"), help: ArgumentHelp("Key set, or public key in PEM, to verify the token with.", valueName: "file")
    )
    var keySetFile: String?

    @Option(help: "Expected issuer. Default: any.")
    var issuer: String?

    @Option(help: "Accepted audience. Default: any. Repeatable.")
    var audience: [String] = []

    func validate() throws {
        if keySetFile == nil, issuer != nil || !audience.isEmpty {
            throw ValidationError("--issuer and --audience require --jwks.")
        }
    }

    func run() throws {
        var bytes = try compact()
        let now = WallTime.now()
        let parts: CompactToken
        do throws(TokenFailure) {
            parts = try bytes.span.bytes.withUnsafeBytes { (token) throws(TokenFailure) in try CompactToken.read(token) }
        } catch { throw CommandFailure("\(error.reason)") }
        var output = ByteBuffer()
        TokenText.write(parts, at: now, into: &output)
        StandardOutput.write(output)
        guard let keySetFile else {
            Diagnostics().log("The signature was not verified; use --jwks FILE to verify it.")
            return
        }
        let keys = try keySet(keySetFile)
        let trust = TokenTrust(keys: keys, issuer: issuer, audiences: audience)
        switch bytes.withUnsafeMutableBytes({ trust.verify(UnsafeRawBufferPointer($0), parts, at: now) }) {
        case .success(let sentence):
            var line = ByteBuffer()
            line.append(sentence + "\n")
            StandardOutput.write(line)
        case .failure(let failure): throw failure
        }
    }

    /// The token without surrounding white space and without a `Bearer` prefix.
    private func compact() throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8]
        if let token, token != "-" { bytes = Array(token.utf8) } else { bytes = try standardInput() }
        func isSpace(_ byte: UInt8) -> Bool { byte <= 0x20 }
        bytes = Array(bytes.drop(while: isSpace))
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        if bytes.starts(with: "Bearer ".utf8) { bytes = Array(bytes.dropFirst(7).drop(while: isSpace)) }
        if bytes.isEmpty { throw CommandFailure("found no token; expected one as an argument or on standard input") }
        return bytes
    }

    private func standardInput() throws(CommandFailure) -> [UInt8] {
        switch Files.input("/dev/stdin") {
        case .success(let bytes): return bytes
        case .failure(let failure): throw CommandFailure("standard input: \(failure.reason)")
        }
    }

    private func keySet(_ path: String) throws(CommandFailure) -> KeySet {
        let contents = try KeyFile.read(path)
        let set: KeySet
        do throws(KeySetFailure) { set = try KeySet.parse(contents, rules: .local) } catch {
            throw CommandFailure("\(path): \(error.reason)")
        }
        for skipped in set.skipped {
            Diagnostics().log("\(path): key \(skipped.index + 1) is not used: \(skipped.reason.reason)")
        }
        if set.keys.isEmpty { throw CommandFailure("\(path): found no key that can verify") }
        return set
    }
}
