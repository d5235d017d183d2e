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
        abstract: "Show what a token says; with --jwks also whether it is true.",
        discussion: """
            A token is as good as a password: standard input keeps it out of the list of processes and the shell's history.
            With --jwks the token is verified as the gateway would, 60 s of leeway included, and the exit status is 1 where \
            it does not count.
            """)

    @Argument(help: "The token; from standard input if left out or -.")
    var token: String?

    @Option(name: .customLong("jwks"), help: ArgumentHelp("Verify with this key set, or public key in PEM.", valueName: "file"))
    var keySetFile: String?

    @Option(help: "The issuer it must be from; any if left out.")
    var issuer: String?

    @Option(help: "An audience it may be for; any if left out. May be given several times.")
    var audience: [String] = []

    func validate() throws {
        if keySetFile == nil, issuer != nil || !audience.isEmpty {
            throw ValidationError("--issuer and --audience are looked at only with --jwks, the keys to verify with.")
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
            Notices().say("The signature was not looked at; --jwks FILE would verify it.")
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

    /// The token without white space around it, and without the word in front that it has in a header.
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
            Notices().say("\(path): key \(skipped.index + 1) is not used: \(skipped.reason.reason)")
        }
        if set.keys.isEmpty { throw CommandFailure("\(path): found no key that can verify") }
        return set
    }
}
