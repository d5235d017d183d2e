internal import JSON

extension KeySet {
    /// The key that verifies the signature.
    ///
    /// Keys that bear the token's name are asked, and keys without a name; a token without a name asks every key. Only
    /// keys for the token's algorithm verify anything, at most `TokenVerifier.keysTriedMax` of them.
    ///
    /// - Throws: `unknownKey` where no key could be meant, `algorithmMismatch` where those meant are for another
    ///   algorithm, `badSignature`.
    func key(
        named keyID: JSONValue?, algorithm: SigningAlgorithm, verifying signature: [UInt8],
        over message: UnsafeRawBufferPointer
    ) throws(TokenFailure) -> VerificationKey {
        var failure = TokenFailure.unknownKey
        var tried = 0
        for key in keys where key.isMeant(by: keyID) {
            guard key.algorithm == algorithm else {
                if failure == .unknownKey { failure = .algorithmMismatch }
                continue
            }
            failure = .badSignature
            if tried == TokenVerifier.keysTriedMax { break }
            tried += 1
            if signature.withUnsafeBytes({ key.verifies($0, over: message) }) { return key }
        }
        throw failure
    }
}

extension VerificationKey {
    fileprivate func isMeant(by name: JSONValue?) -> Bool {
        guard let name, let keyID else { return true }
        return keyID.withUnsafeBytes { name.isString($0) }
    }
}
