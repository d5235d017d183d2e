import ArgumentParser
import Bytes
import Crypto
import Glibc
import JOSE

struct KeysGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make a signing key and its key set.",
        discussion: """
            --private becomes a PEM text (for HS a JSON Web Key) that only you may read; --jwks a JSON Web Key Set, what \
            `jwks:` names in martlet.yaml. For HS both hold the secret and are yours alone. Files that are there already \
            stay as they are, unless --force is given.
            """)

    @Option(help: "What the key is for.")
    var algorithm: SigningAlgorithm

    @Option(name: .customLong("private"), help: ArgumentHelp("Where the private key goes.", valueName: "file"))
    var privateFile: String

    @Option(name: .customLong("jwks"), help: ArgumentHelp("Where the key set goes.", valueName: "file"))
    var keySetFile: String

    @Option(
        name: .customLong("kid"),
        help: ArgumentHelp("The key's name; its RFC 7638 thumbprint if left out (random for HS).", valueName: "name"))
    var keyID: String?

    @Flag(help: "Replace files that are there already.")
    var force = false

    func validate() throws {
        if privateFile == keySetFile {
            throw ValidationError("--private and --jwks both name \"\(privateFile)\"; expected two files.")
        }
        if keyID == "" { throw ValidationError("--kid is empty; expected a name.") }
    }

    func run() throws {
        if !force {
            // Before a key is made: finding RSA primes takes its time.
            for path in [privateFile, keySetFile] where NewFile.exists(path) {
                throw CommandFailure("\(path): is there already; --force would replace it")
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
        // Its thumbprint would be a digest of the secret, and stand in every token.
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
