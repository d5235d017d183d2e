import ArgumentParser
import Crypto
import Glibc
import JOSE

struct KeysShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print a public key as a key set.",
        discussion: "The file may contain a private key: only its public part is printed.")

    @Argument(help: "PEM file with a private key, a public key or a certificate.")
    var file: String

    @Option(help: "Algorithm of the key. Default: by the kind of key, for RSA RS256.")
    var algorithm: SigningAlgorithm?

    @Option(
        name: .customLong("kid"),
        help: ArgumentHelp(
            "Key ID. Default: the one that `keys generate --kid` wrote to the file, or the RFC 7638 thumbprint.", valueName: "name")
    )
    var keyID: String?

    func run() throws {
        let key = try KeyFile.anyKey(file)
        let algorithm = algorithm ?? SigningAlgorithm.standard(for: key.kind)
        guard algorithm.fits(key.kind) else { throw KeyFile.misfit(file, key.kind, algorithm) }
        let name = try keyID ?? KeyFile.name(in: file)
        do throws(KeyFailure) {
            StandardOutput.write(try KeyFile.publicSet(of: key, algorithm, name))
        } catch { throw CommandFailure("\(file): \(error.rawValue)") }
    }
}
