/// Why a token does not count. The reason is stable, fit for a quoted string in `www-authenticate`, and never holds
/// anything from the token.
package enum TokenFailure: Error, Hashable, Sendable, CaseIterable {
    case tooLarge
    /// Not three parts with two dots.
    case notCompact
    /// Padding, a foreign byte, or bits that mean nothing.
    case notBase64URL
    case badHeader
    case badClaims
    /// `crit` or `b64`: no extension is understood here (RFC 7515, section 4.1.11).
    case criticalExtension
    /// `none` too.
    case unsupportedAlgorithm
    case unknownIssuer
    /// The issuer's keys were never loaded: the caller may well be right, so this is no refusal of the token.
    case keySetUnavailable
    /// No key of the issuer has the token's `kid`: a reason to fetch the keys anew.
    case unknownKey
    /// There are keys for the token, but none for its algorithm.
    case algorithmMismatch
    case badSignature
    case missingExpiry
    case expired
    case notYetValid
    case wrongAudience

    package var reason: StaticString {
        switch self {
        case .tooLarge: "the token is too large"
        case .notCompact: "the token has not three parts"
        case .notBase64URL: "the token is not canonical base64url"
        case .badHeader: "the token's header is malformed"
        case .badClaims: "the token's claims are malformed"
        case .criticalExtension: "the token needs an unknown extension"
        case .unsupportedAlgorithm: "the token's algorithm is not supported"
        case .unknownIssuer: "the token's issuer is unknown"
        case .keySetUnavailable: "the issuer's keys are not available yet"
        case .unknownKey: "the token's key is unknown"
        case .algorithmMismatch: "the token's algorithm is not the key's"
        case .badSignature: "the token's signature is wrong"
        case .missingExpiry: "the token has no expiry"
        case .expired: "the token has expired"
        case .notYetValid: "the token is not valid yet"
        case .wrongAudience: "the token is for another audience"
        }
    }

    /// Whether this counts as a failed login: what anyone can make who never had a token from an issuer of ours.
    ///
    /// What is told only of tokens with a good signature does not count, and neither does our own lack of keys.
    package var isFormatOrSignature: Bool {
        switch self {
        case .tooLarge, .notCompact, .notBase64URL, .badHeader, .badClaims, .criticalExtension, .unsupportedAlgorithm,
            .unknownIssuer, .unknownKey, .algorithmMismatch, .badSignature:
            true
        case .keySetUnavailable, .missingExpiry, .expired, .notYetValid, .wrongAudience: false
        }
    }
}
