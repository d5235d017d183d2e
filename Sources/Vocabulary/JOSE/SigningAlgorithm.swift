package import Crypto

/// The algorithms a token may be signed with (RFC 7518, section 3.1; RFC 8037, section 3.1). `none` is not one.
package enum SigningAlgorithm: String, Hashable, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case eddsa = "EdDSA"

    /// Case matters (RFC 7515, section 4.1.1).
    package init?(name: UnsafeRawBufferPointer) {
        guard name.count <= 8 else { return nil }
        self.init(rawValue: String(decoding: name, as: UTF8.self))
    }

    enum Family { case hmac, rsa, ecdsa, eddsa }

    var family: Family {
        switch self {
        case .hs256, .hs384, .hs512: .hmac
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa
        case .es256, .es384, .es512: .ecdsa
        case .eddsa: .eddsa
        }
    }

    /// EdDSA has its own inside.
    var digest: DigestAlgorithm? {
        switch self {
        case .hs256, .rs256, .ps256, .es256: .sha256
        case .hs384, .rs384, .ps384, .es384: .sha384
        case .hs512, .rs512, .ps512, .es512: .sha512
        case .eddsa: nil
        }
    }

    /// What OpenSSL is to do; `nil` for HMAC, which is no signature there.
    var scheme: SignatureScheme? {
        switch self {
        case .hs256, .hs384, .hs512: nil
        case .rs256: .rsaPKCS1(.sha256)
        case .rs384: .rsaPKCS1(.sha384)
        case .rs512: .rsaPKCS1(.sha512)
        case .ps256: .rsaPSS(.sha256)
        case .ps384: .rsaPSS(.sha384)
        case .ps512: .rsaPSS(.sha512)
        case .es256: .ecdsa(.sha256)
        case .es384: .ecdsa(.sha384)
        case .es512: .ecdsa(.sha512)
        case .eddsa: .eddsa
        }
    }

    /// Whether a key of this kind can be used so: each curve has the one algorithm.
    package func fits(_ kind: KeyKind) -> Bool {
        switch kind {
        case .rsa: family == .rsa
        case .ec(.p256): self == .es256
        case .ec(.p384): self == .es384
        case .ec(.p521): self == .es512
        case .ed25519, .ed448: self == .eddsa
        }
    }

    /// What a key that does not say its algorithm is used with.
    package static func standard(for kind: KeyKind, rsa: SigningAlgorithm = .rs256) -> SigningAlgorithm {
        switch kind {
        case .rsa: rsa
        case .ec(.p256): .es256
        case .ec(.p384): .es384
        case .ec(.p521): .es512
        case .ed25519, .ed448: .eddsa
        }
    }
}
