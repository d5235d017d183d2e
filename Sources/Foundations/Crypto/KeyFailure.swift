internal import COpenSSL

/// Why a key could not be read, built or made.
package enum KeyFailure: String, Error, Hashable, Sendable {
    case notPEM = "no PEM text with a key in it"
    case privateWherePublic = "a private key where a public key belongs"
    case publicWherePrivate = "a public key where a private key belongs"
    case encrypted = "an encrypted private key"
    case malformed = "malformed key"
    case unsupportedKind = "neither RSA, nor EC on P-256, P-384 or P-521, nor Ed25519, nor Ed448"
    case notOnCurve = "not a point on its curve"
    case openSSLFailed = "OpenSSL could not do it"
}

/// OpenSSL leaves a queue of errors behind in the thread, and SSL_get_error reads it: every call here that can fail
/// empties it again.
@inline(__always) func clearErrors() { ERR_clear_error() }
