internal import COpenSSL

/// What a key is good for; the closed set of kinds that Martlet knows.
package enum KeyKind: Hashable, Sendable {
    case rsa(bits: Int)
    case ec(Curve)
    case ed25519
    case ed448
}

package enum Curve: Hashable, Sendable, CaseIterable {
    case p256, p384, p521

    /// A coordinate, and each half of a signature, in bytes.
    package var coordinateBytes: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    /// As JOSE writes it (RFC 7518, section 6.2.1.1).
    package var name: StaticString {
        switch self {
        case .p256: "P-256"
        case .p384: "P-384"
        case .p521: "P-521"
        }
    }

    init?(opensslName name: String) {
        switch name {
        case "P-256", "prime256v1": self = .p256
        case "P-384", "secp384r1": self = .p384
        case "P-521", "secp521r1": self = .p521
        default: return nil
        }
    }
}

/// One EVP_PKEY, freed once.
///
/// Nothing here changes the key after it was made, and OpenSSL locks what it computes lazily, so threads may share one.
package struct KeyHandle: ~Copyable, @unchecked Sendable {
    /// An `EVP_PKEY *`, valid as long as this handle.
    package let pointer: OpaquePointer
    package let kind: KeyKind
    /// Whether the secret half is there.
    package let isPrivate: Bool

    /// Takes over the caller's reference, also where it throws.
    package init(owning pointer: OpaquePointer, isPrivate: Bool) throws(KeyFailure) {
        guard let kind = Self.kind(of: pointer) else {
            EVP_PKEY_free(pointer)
            clearErrors()
            throw .unsupportedKind
        }
        self.pointer = pointer
        self.kind = kind
        self.isPrivate = isPrivate
    }

    deinit { EVP_PKEY_free(pointer) }

    private static func kind(of key: OpaquePointer) -> KeyKind? {
        if EVP_PKEY_is_a(key, "RSA") == 1 { return .rsa(bits: Int(EVP_PKEY_get_bits(key))) }
        if EVP_PKEY_is_a(key, "ED25519") == 1 { return .ed25519 }
        if EVP_PKEY_is_a(key, "ED448") == 1 { return .ed448 }
        guard EVP_PKEY_is_a(key, "EC") == 1 else { return nil }
        // Explicit parameters that are those of a named curve, generator included, have its name; others have none.
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> String? in
            var length = 0
            guard EVP_PKEY_get_group_name(key, buffer.baseAddress, buffer.count, &length) == 1 else { return nil }
            return String(cString: buffer.baseAddress!)
        }
        return name.flatMap(Curve.init(opensslName:)).map(KeyKind.ec)
    }
}
