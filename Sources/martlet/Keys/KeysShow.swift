import ArgumentParser
import Crypto
import Glibc
import JOSE

struct KeysShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print a key's public half as a key set.",
        discussion: "Nothing secret is printed, also where the file holds the private key.")

    @Argument(help: "A PEM text: a private key, a public key or a certificate.")
    var file: String

    @Option(help: "What the key verifies; what its kind says if left out, for RSA RS256.")
    var algorithm: SigningAlgorithm?

    @Option(
        name: .customLong("kid"),
        help: ArgumentHelp("The key's name; what `keys generate --kid` noted in the file, or its RFC 7638 thumbprint, if left out.", valueName: "name"))
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
