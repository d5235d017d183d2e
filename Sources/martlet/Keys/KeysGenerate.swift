import ArgumentParser
import Bytes
import Crypto
import Glibc
import JOSE

struct KeysGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Create a signing key and its public key set.",
        discussion: """
            --private is written in PEM (for HS as a JSON Web Key), readable by its owner only; --jwks as a JSON Web Key Set, \
            for `jwks:` in martlet.yaml. For HS both files contain the secret and are readable by their owner only. Existing \
            files are not replaced without --force.
            """)

    @Option(help: "Signing algorithm of the key.")
    var algorithm: SigningAlgorithm

    @Option(name: .customLong("private"), help: ArgumentHelp("File for the private key.", valueName: "file"))
    var privateFile: String

    @Option(name: .customLong("jwks"), help: ArgumentHelp("File for the key set.", valueName: "file"))
    var keySetFile: String

    @Option(
        name: .customLong("kid"),
        help: ArgumentHelp("Key ID. Default: the RFC 7638 thumbprint (random for HS).", valueName: "name"))
    var keyID: String?

    @Flag(help: "Replace existing files.")
    var force = false

    func validate() throws {
        if privateFile == keySetFile {
            throw ValidationError("--private and --jwks are both \"\(privateFile)\"; expected two files.")
        }
        if keyID == "" { throw ValidationError("--kid is empty; expected a name.") }
    }

    func run() throws {
        if !force {
            // Checked before the key is generated: finding RSA primes is slow.
            for path in [privateFile, keySetFile] where NewFile.exists(path) {
                throw CommandFailure("\(path): already exists; --force replaces it")
            }
        }
        guard let kind = KeyKind.forSigning(algorithm) else { return try generateSecret() }
        do {
            let key = try KeyHandle.generate(kind)
            try write(KeyFile.named(try key.privatePEM(), keyID), try KeyFile.publicSet(of: key, algorithm, keyID), for: .everyone)
        } catch let failure as KeyFailure { throw CommandFailure(failure.rawValue) }
    }

    private func generateSecret() throws {
        // As long as the digest: longer adds nothing (RFC 7518, section 3.2; RFC 2104, section 3).
        let bytes = algorithm == .hs256 ? 32 : algorithm == .hs384 ? 48 : 64
        let secret = SecretBytes(RandomBytes.make(bytes))
        // Not the thumbprint: that would put a digest of the secret into every token.
        let name = keyID ?? RandomBytes.make(16).withUnsafeBytes { String(decoding: Base64.encodeURL($0), as: UTF8.self) }
        var key = ByteBuffer()
        JWK.write(secret: secret, algorithm: algorithm, keyID: name, into: &key)
        var keySet = ByteBuffer()
        keySet.append("{\"keys\":[")
        keySet.append(key.readable)
        keySet.append("]}\n")
        key.append("\n")
        try write(SecretBytes(copying: key.readable), keySet, for: .owner)
    }

    private func write(
        _ secret: borrowing SecretBytes, _ keySet: borrowing ByteBuffer, for readers: NewFile.Readers
    ) throws(CommandFailure) {
        try secret.withBytes { (bytes) throws(CommandFailure) in
            try NewFile.write(bytes, to: privateFile, for: .owner, replacing: force)
        }
        do throws(CommandFailure) {
            try NewFile.write(keySet.readable, to: keySetFile, for: readers, replacing: force)
        } catch {
            // A key without its set is of no use, and would be in the way of the next try.
            if !force { unlink(privateFile) }
            throw error
        }
    }
}

extension KeyKind {
    /// What to make for an algorithm; `nil` for HS, whose key is a secret.
    fileprivate static func forSigning(_ algorithm: SigningAlgorithm) -> KeyKind? {
        switch algorithm {
        case .hs256, .hs384, .hs512: nil
        // Each verification costs the gateway time, and 2048 bits are enough until 2030 (NIST SP 800-57).
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa(bits: 2048)
        case .es256: .ec(.p256)
        case .es384: .ec(.p384)
        case .es512: .ec(.p521)
        case .eddsa: .ed25519
        }
    }
}
