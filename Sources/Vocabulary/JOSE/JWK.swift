package import Bytes
package import Crypto
internal import JSON

/// A key as JSON (RFC 7517), read and written.
package enum JWK {
    // MARK: reading

    static func read(_ key: JSONValue, rules: KeySet.Rules) throws(KeyRefusal) -> VerificationKey {
        guard key.kind == .object else { throw .notAnObject }
        let type = try text(key["kty"], "kty")
        try refuseOtherPurposes(key)
        let keyID = try name(key["kid"])
        let algorithm = try algorithm(key["alg"])
        if type.isString("oct") { return try symmetric(key, algorithm, keyID, rules) }
        let numbers = try numbers(key, type: type)
        let handle: KeyHandle
        do throws(KeyFailure) { handle = try KeyHandle.publicKey(numbers) } catch { throw refusal(of: numbers) }
        let standard = SigningAlgorithm.standard(for: handle.kind, rsa: rules.rsaAlgorithm)
        return try VerificationKey(handle, algorithm: algorithm ?? standard, keyID: keyID)
    }

    /// RFC 7517, sections 4.2 and 4.3.
    private static func refuseOtherPurposes(_ key: JSONValue) throws(KeyRefusal) {
        if let use = key["use"], !use.isString("sig") { throw .notForSignatures }
        if let operations = key["key_ops"] {
            guard operations.elements.contains(where: { $0.isString("verify") }) else { throw .notForVerification }
        }
    }

    private static func name(_ value: JSONValue?) throws(KeyRefusal) -> [UInt8]? {
        guard let value else { return nil }
        return try text(value, "kid").withText { Array($0) }
    }

    private static func algorithm(_ value: JSONValue?) throws(KeyRefusal) -> SigningAlgorithm? {
        guard let value else { return nil }
        guard let known = try text(value, "alg").withText(SigningAlgorithm.init(name:)) else { throw .unsupportedAlgorithm }
        return known
    }

    private static func symmetric(
        _ key: JSONValue, _ algorithm: SigningAlgorithm?, _ keyID: [UInt8]?, _ rules: KeySet.Rules
    ) throws(KeyRefusal) -> VerificationKey {
        guard rules.allowsSymmetric else { throw .symmetricNotAllowed }
        guard let algorithm else { throw .algorithmMissing }
        return try VerificationKey(
            secret: SecretBytes(try bytes(key, "k")), algorithm: algorithm, keyID: keyID)
    }

    private static func numbers(_ key: JSONValue, type: JSONValue) throws(KeyRefusal) -> PublicNumbers {
        if type.isString("RSA") {
            return .rsa(
                modulus: withoutLeadingZeros(try bytes(key, "n")), exponent: withoutLeadingZeros(try bytes(key, "e")))
        }
        guard let curveName = key["crv"] else { throw type.isString("EC") ? .member("crv", .missing) : .unsupportedType }
        if type.isString("EC") {
            guard let curve = Curve.allCases.first(where: { curveName.isString($0.name) }) else {
                throw .unsupportedType
            }
            return .ec(curve, x: try bytes(key, "x"), y: try bytes(key, "y"))
        }
        guard type.isString("OKP") else { throw .unsupportedType }
        if curveName.isString("Ed25519") { return .ed25519(try bytes(key, "x")) }
        if curveName.isString("Ed448") { return .ed448(try bytes(key, "x")) }
        throw .unsupportedType
    }

    private static func text(_ value: JSONValue?, _ name: String) throws(KeyRefusal) -> JSONValue {
        guard let value else { throw .member(name, .missing) }
        guard value.kind == .string else { throw .member(name, .notText) }
        return value
    }

    private static func bytes(_ key: JSONValue, _ name: String) throws(KeyRefusal) -> [UInt8] {
        guard let bytes = try text(key[name: name], name).withText({ Base64.decodeURL($0) }) else {
            throw .member(name, .notBase64URL)
        }
        guard !bytes.isEmpty else { throw .member(name, .empty) }
        return bytes
    }

    /// Of numbers that OpenSSL does not take: the first that cannot be one.
    private static func refusal(of numbers: PublicNumbers) -> KeyRefusal {
        switch numbers {
        case .rsa(let modulus, _): .member(modulus.count < 16 ? "n" : "e", .outOfRange)
        case .ec(let curve, let x, _): .member(x.count == curve.coordinateBytes ? "y" : "x", .outOfRange)
        case .ed25519, .ed448: .member("x", .outOfRange)
        }
    }

    /// Forbidden in a JWK (RFC 7518, section 6.3.1.1) and yet met in the wild.
    private static func withoutLeadingZeros(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.drop { $0 == 0 }) }

    // MARK: writing

    /// Appends the public half as one JSON object.
    ///
    /// - Parameter keyID: the thumbprint where `nil`.
    package static func write(
        _ key: borrowing KeyHandle, algorithm: SigningAlgorithm, keyID: String? = nil, into buffer: inout ByteBuffer
    ) throws(KeyFailure) {
        let members = members(of: try key.publicNumbers())
        var json = JSONWriter()
        json.beginObject(&buffer)
        for (name, value) in members {
            json.key(name, &buffer)
            json.string(value, &buffer)
        }
        json.key("use", &buffer)
        json.string("sig", &buffer)
        json.key("alg", &buffer)
        json.string(algorithm.rawValue, &buffer)
        json.key("kid", &buffer)
        json.string(keyID ?? thumbprint(members), &buffer)
        json.endObject(&buffer)
    }

    /// Appends a symmetric key as one JSON object: a secret, for a local file.
    package static func write(
        secret: borrowing SecretBytes, algorithm: SigningAlgorithm, keyID: String, into buffer: inout ByteBuffer
    ) {
        var json = JSONWriter()
        json.beginObject(&buffer)
        json.key("kty", &buffer)
        json.string("oct", &buffer)
        json.key("k", &buffer)
        json.string(secret.withBytes { text($0) }, &buffer)
        json.key("use", &buffer)
        json.string("sig", &buffer)
        json.key("alg", &buffer)
        json.string(algorithm.rawValue, &buffer)
        json.key("kid", &buffer)
        json.string(keyID, &buffer)
        json.endObject(&buffer)
    }

    /// A name for a key that anyone who has the key arrives at: SHA-256 over its required members (RFC 7638).
    package static func thumbprint(of key: borrowing KeyHandle) throws(KeyFailure) -> String {
        thumbprint(members(of: try key.publicNumbers()))
    }

    private static func thumbprint(_ members: [(name: StaticString, value: String)]) -> String {
        var buffer = ByteBuffer()
        var json = JSONWriter()
        json.beginObject(&buffer)
        for (name, value) in members {
            json.key(name, &buffer)
            json.string(value, &buffer)
        }
        json.endObject(&buffer)
        return DigestAlgorithm.sha256.hash(buffer.readable).withUnsafeBytes { text($0) }
    }

    /// The required members in lexicographic order, as the thumbprint wants them.
    private static func members(of numbers: PublicNumbers) -> [(name: StaticString, value: String)] {
        switch numbers {
        case .rsa(let modulus, let exponent): [("e", text(exponent)), ("kty", "RSA"), ("n", text(modulus))]
        case .ec(let curve, let x, let y):
            [("crv", curve.name.description), ("kty", "EC"), ("x", text(x)), ("y", text(y))]
        case .ed25519(let x): [("crv", "Ed25519"), ("kty", "OKP"), ("x", text(x))]
        case .ed448(let x): [("crv", "Ed448"), ("kty", "OKP"), ("x", text(x))]
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { text($0) } }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: Base64.encodeURL(bytes), as: UTF8.self)
    }
}
