import Bytes
import Config
import Crypto
import JOSE
import JSON

/// Key files: PEM, and JSON Web Keys for secrets.
enum KeyFile {
    /// A private or public key from PEM.
    static func anyKey(_ path: String) throws(CommandFailure) -> KeyHandle {
        var contents = try read(path)
        defer { wipe(&contents) }
        if isJSON(contents) {
            throw CommandFailure("\(path): found JSON, expected PEM: a private key, a public key or a certificate")
        }
        do throws(KeyFailure) {
            return try contents.span.bytes.withUnsafeBytes { (pem) throws(KeyFailure) in
                do throws(KeyFailure) { return try KeyHandle.privateKey(pem: pem) } catch .publicWherePrivate, .notPEM {
                    // Perhaps a public key, or a certificate alone.
                    return try KeyHandle.publicKey(pem: pem)
                }
            }
        } catch { throw CommandFailure("\(path): \(error.rawValue)") }
    }

    /// The key that signs tokens, and its key ID in them.
    static func mintingKey(
        _ path: String, algorithm: SigningAlgorithm?, keyID: String?
    ) throws(CommandFailure) -> (key: MintingKeyBox, keyID: String?) {
        var contents = try read(path)
        defer { wipe(&contents) }
        if isJSON(contents) { return try secret(path, contents, algorithm, keyID) }
        let handle = try privateKey(path, contents)
        if let algorithm, !algorithm.fits(handle.kind) { throw misfit(path, handle.kind, algorithm) }
        if algorithm == nil, case .rsa = handle.kind {
            throw CommandFailure(
                "\(path): an RSA key can sign with several algorithms; expected --algorithm RS256, RS384, RS512, PS256, PS384 or PS512"
            )
        }
        do throws(KeyRefusal) {
            let key = MintingKeyBox(try MintingKey(handle, algorithm: algorithm))
            if let keyID = keyID ?? name(in: contents) { return (key, keyID) }
            return (key, try thumbprint(of: handle))
        } catch { throw refusal(path, error, algorithm ?? SigningAlgorithm.standard(for: handle.kind)) }
    }

    private static func privateKey(_ path: String, _ contents: [UInt8]) throws(CommandFailure) -> KeyHandle {
        do throws(KeyFailure) {
            return try contents.span.bytes.withUnsafeBytes { (pem) throws(KeyFailure) in
                try KeyHandle.privateKey(pem: pem)
            }
        } catch { throw CommandFailure("\(path): \(error.rawValue); expected a private key in PEM, or a JSON Web Key for HS") }
    }

    private static func thumbprint(of key: borrowing KeyHandle) throws(KeyRefusal) -> String {
        do throws(KeyFailure) { return try JWK.thumbprint(of: key) } catch { throw .malformed }
    }

    /// A symmetric key from a JSON Web Key, or from a set with a single one.
    private static func secret(
        _ path: String, _ contents: [UInt8], _ algorithm: SigningAlgorithm?, _ keyID: String?
    ) throws(CommandFailure) -> (key: MintingKeyBox, keyID: String?) {
        let document: JSONValue
        do throws(JSONFailure) {
            document = try contents.span.bytes.withUnsafeBytes { (text) throws(JSONFailure) in try JSONValue.parse(text) }
        } catch { throw CommandFailure("\(path): \(error.reason.rawValue) at byte \(error.offset)") }
        let keys = document["keys"].map { Array($0.elements) } ?? [document]
        guard keys.count == 1, let key = keys.first else {
            throw CommandFailure("\(path): found \(keys.count) keys, expected one")
        }
        guard key["kty"]?.isString("oct") == true else {
            throw CommandFailure(
                "\(path): found a JSON Web Key of type \"\(key["kty"]?.string ?? "")\", expected \"oct\"; "
                    + "other private keys must be in PEM")
        }
        guard let bytes = key["k"]?.withText({ Base64.decodeURL($0) }), !bytes.isEmpty else {
            throw CommandFailure("\(path): the key's \"k\" is not base64url")
        }
        let secret = SecretBytes(bytes)
        let own = key["alg"]?.string.flatMap(SigningAlgorithm.init(rawValue:))
        if let own, let algorithm, own != algorithm {
            throw CommandFailure("\(path): the key is for \(own.rawValue), found --algorithm \(algorithm.rawValue)")
        }
        guard let algorithm = algorithm ?? own else {
            throw CommandFailure("\(path): the key has no \"alg\"; expected --algorithm HS256, HS384 or HS512")
        }
        do throws(KeyRefusal) {
            return (MintingKeyBox(try MintingKey(secret: secret, algorithm: algorithm)), keyID ?? key["kid"]?.string)
        } catch { throw refusal(path, error, algorithm) }
    }

    /// A key set of one, on a line of its own.
    static func publicSet(
        of key: borrowing KeyHandle, _ algorithm: SigningAlgorithm, _ keyID: String?
    ) throws(KeyFailure) -> ByteBuffer {
        var text = ByteBuffer()
        text.append("{\"keys\":[")
        try JWK.write(key, algorithm: algorithm, keyID: keyID, into: &text)
        text.append("]}\n")
        return text
    }

    // MARK: names of PEM keys

    /// Stands before the key's own text, where PEM has room for what people want to know (RFC 7468, section 2).
    private static let nameMark = "kid: "

    /// A PEM text with the name of its key before it, as a JSON text; without one as it is.
    static func named(_ pem: consuming SecretBytes, _ keyID: String?) -> SecretBytes {
        guard let keyID else { return pem }
        var text = ByteBuffer()
        var json = JSONWriter()
        text.append(nameMark)
        json.string(keyID, &text)
        text.append("\n")
        var bytes = Array(text.readable)
        pem.withBytes { bytes += $0 }
        return SecretBytes(bytes)
    }

    static func name(in path: String) throws(CommandFailure) -> String? {
        var contents = try read(path)
        defer { wipe(&contents) }
        return name(in: contents)
    }

    private static func name(in contents: [UInt8]) -> String? {
        let line = contents.prefix { $0 != UInt8(ascii: "\n") }
        guard line.starts(with: nameMark.utf8), line.count < 4096 else { return nil }
        let text = String(decoding: line.dropFirst(nameMark.utf8.count), as: UTF8.self)
        return (try? JSONValue.parse(text))?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: messages

    static func misfit(_ path: String, _ kind: KeyKind, _ algorithm: SigningAlgorithm) -> CommandFailure {
        let (found, expected) =
            switch kind {
            case .rsa(let bits): ("an RSA key of \(bits) bits", "RS256, RS384, RS512, PS256, PS384 or PS512")
            case .ec(let curve): ("an EC key on \(curve.name)", SigningAlgorithm.standard(for: kind).rawValue)
            case .ed25519, .ed448: ("an Edwards-curve key", "EdDSA")
            }
        return CommandFailure("\(path): found \(found), which cannot be used as \(algorithm.rawValue); expected \(expected)")
    }

    private static func refusal(_ path: String, _ refusal: KeyRefusal, _ algorithm: SigningAlgorithm) -> CommandFailure {
        switch refusal {
        case .algorithmDoesNotFit:
            CommandFailure("\(path): the key cannot be used as \(algorithm.rawValue)")
        case .weak:
            CommandFailure("\(path): the key is too short for \(algorithm.rawValue), or an RSA key beyond 8192 bits")
        default: CommandFailure("\(path): \(refusal.reason)")
        }
    }

    // MARK: bytes

    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        switch Files.input(path) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw CommandFailure("\(path): cannot be read: \(failure.reason)")
        }
    }

    private static func isJSON(_ contents: [UInt8]) -> Bool { contents.first { $0 > 0x20 } == UInt8(ascii: "{") }

    /// The process ends soon; a core of it need not have the key.
    private static func wipe(_ contents: inout [UInt8]) {
        contents.withUnsafeMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
    }
}

/// A place for a key, which cannot be copied, where a tuple wants a value that can.
final class MintingKeyBox {
    let key: MintingKey
    init(_ key: consuming MintingKey) { self.key = key }
}
