internal import COpenSSL

/// Reads PEM text out of memory.
enum PEM {
    /// Every certificate of `bytes` in its order; the caller frees them. Blocks of other kinds are passed over.
    static func certificates(_ bytes: [UInt8]) throws(ContextMistake) -> [OpaquePointer] {
        var found: [OpaquePointer] = []
        let problem = withBIO(bytes) { bio -> ContextMistake? in
            while true {
                ErrorQueue.clear()
                if let certificate = PEM_read_bio_X509(bio, nil, refusePassphrase, nil) {
                    found.append(certificate)
                    continue
                }
                let error = ErrorQueue.drain()
                // The ordinary end of the text.
                if let error, error.library == ERR_LIB_PEM, error.reason == PEM_R_NO_START_LINE { break }
                return .malformedCertificate(index: found.count + 1, reason: error?.text ?? "unknown reason")
            }
            return found.isEmpty ? .noCertificate(ContextMistake.Hint(bytes)) : nil
        }
        if let problem {
            found.forEach { X509_free($0) }
            throw problem
        }
        return found
    }

    /// The first private key of `bytes`; the caller frees it.
    static func privateKey(_ bytes: [UInt8]) throws(ContextMistake) -> OpaquePointer {
        ErrorQueue.clear()
        var asked = false
        let key = withBIO(bytes) { bio in PEM_read_bio_PrivateKey(bio, nil, refusePassphrase, &asked) }
        if let key { return key }
        let error = ErrorQueue.drain()
        if asked { throw .encryptedKey }
        let hint = ContextMistake.Hint(bytes)
        if hint != .key { throw .noKey(hint) }
        throw .malformedKey(reason: error?.text ?? "unknown reason")
    }

    private static func withBIO<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result) -> Result {
        // OpenSSL refuses a buffer without an address, which an empty array may have.
        (bytes.isEmpty ? [0x0a] : bytes).withUnsafeBytes { raw in
            // Fails only for want of memory.
            let bio = BIO_new_mem_buf(raw.baseAddress, Int32(raw.count))!
            defer { BIO_free(bio) }
            return body(bio)
        }
    }

    /// Notes that a passphrase was asked for; without it OpenSSL would ask on the terminal.
    private static let refusePassphrase:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, _, _, asked in
            asked?.storeBytes(of: true, as: Bool.self)
            return -1
        }
}
