internal import COpenSSL

extension KeyHandle {
    /// The first key in a PEM text, of the kind asked for: `PUBLIC KEY`, `RSA PUBLIC KEY` or a `CERTIFICATE`'s.
    package static func publicKey(pem: UnsafeRawBufferPointer) throws(KeyFailure) -> KeyHandle {
        try load(pem: pem, wantsPrivate: false)
    }

    /// The first key in a PEM text: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`, never encrypted.
    package static func privateKey(pem: UnsafeRawBufferPointer) throws(KeyFailure) -> KeyHandle {
        try load(pem: pem, wantsPrivate: true)
    }

    /// A DER SubjectPublicKeyInfo, and nothing behind it.
    package static func publicKey(der: UnsafeRawBufferPointer) throws(KeyFailure) -> KeyHandle {
        try load(der: der, as: .publicKey)
    }

    /// A DER private key, PKCS #8 or the older forms, and nothing behind it.
    package static func privateKey(der: UnsafeRawBufferPointer) throws(KeyFailure) -> KeyHandle {
        try load(der: der, as: .privateKey)
    }

    /// Whether the first certificate of a PEM text is an authority's (RFC 5280, section 4.2.1.9).
    package static func isAuthority(pem: UnsafeRawBufferPointer) -> Bool {
        defer { clearErrors() }
        guard pem.count > 0, pem.count <= 1 << 20, let bio = BIO_new_mem_buf(pem.baseAddress, Int32(pem.count)) else {
            return false
        }
        defer { BIO_free(bio) }
        guard let block = PEMBlock.next(from: bio), block.label == "CERTIFICATE", let base = block.bytes.baseAddress else {
            return false
        }
        var cursor: UnsafePointer<UInt8>? = base.assumingMemoryBound(to: UInt8.self)
        guard let certificate = d2i_X509(nil, &cursor, block.bytes.count) else { return false }
        defer { X509_free(certificate) }
        return X509_check_ca(certificate) == 1
    }

    private enum Encoding {
        case publicKey, rsaPublicKey, certificate, privateKey

        var isPrivate: Bool { self == .privateKey }
    }

    /// PEM_read_bio gives the bare block, so nothing here can ask for a passphrase on a terminal.
    private static func load(pem: UnsafeRawBufferPointer, wantsPrivate: Bool) throws(KeyFailure) -> KeyHandle {
        defer { clearErrors() }
        guard pem.count > 0, pem.count <= 1 << 20, let bio = BIO_new_mem_buf(pem.baseAddress, Int32(pem.count)) else {
            throw .notPEM
        }
        defer { BIO_free(bio) }
        while let block = PEMBlock.next(from: bio) {
            let encoding: Encoding
            switch block.label {
            case "PUBLIC KEY": encoding = .publicKey
            case "RSA PUBLIC KEY": encoding = .rsaPublicKey
            case "CERTIFICATE": encoding = .certificate
            case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY": encoding = .privateKey
            case "ENCRYPTED PRIVATE KEY": throw .encrypted
            // Such as EC PARAMETERS, which `openssl ecparam -genkey` writes first.
            default: continue
            }
            if block.hasHeaders { throw .encrypted }
            if encoding.isPrivate != wantsPrivate {
                // A certificate and its key in one file is common; a lone wrong half is the mistake to name.
                if wantsPrivate, encoding == .certificate { continue }
                throw wantsPrivate ? .publicWherePrivate : .privateWherePublic
            }
            return try load(der: block.bytes, as: encoding)
        }
        throw .notPEM
    }

    private static func load(der: UnsafeRawBufferPointer, as encoding: Encoding) throws(KeyFailure) -> KeyHandle {
        defer { clearErrors() }
        guard let base = der.baseAddress, der.count <= 1 << 20 else { throw .malformed }
        let start = base.assumingMemoryBound(to: UInt8.self)
        var cursor: UnsafePointer<UInt8>? = start
        let length = der.count
        let key: OpaquePointer?
        switch encoding {
        case .publicKey: key = d2i_PUBKEY(nil, &cursor, length)
        case .rsaPublicKey: key = d2i_PublicKey(EVP_PKEY_RSA, nil, &cursor, length)
        case .privateKey: key = d2i_AutoPrivateKey(nil, &cursor, length)
        case .certificate:
            let certificate = d2i_X509(nil, &cursor, length)
            defer { X509_free(certificate) }
            key = certificate.flatMap { X509_get_pubkey($0) }
        }
        guard let key else { throw .malformed }
        guard cursor == start + length else {
            EVP_PKEY_free(key)
            throw .malformed
        }
        return try KeyHandle(owning: key, isPrivate: encoding.isPrivate)
    }
}

/// One block between BEGIN and END.
private struct PEMBlock: ~Copyable {
    let label: String
    /// Headers stand only before an encrypted body (RFC 1421).
    let hasHeaders: Bool
    let bytes: UnsafeRawBufferPointer
    private let data: UnsafeMutablePointer<UInt8>

    static func next(from bio: OpaquePointer) -> PEMBlock? {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard PEM_read_bio(bio, &name, &header, &data, &count) == 1, let name, let data else { return nil }
        defer {
            CRYPTO_free(name, nil, 0)
            CRYPTO_free(header, nil, 0)
        }
        return PEMBlock(
            label: String(cString: name), hasHeaders: header.map { $0.pointee != 0 } ?? false, data: data, count: count)
    }

    private init(label: String, hasHeaders: Bool, data: UnsafeMutablePointer<UInt8>, count: Int) {
        self.label = label
        self.hasHeaders = hasHeaders
        self.data = data
        bytes = UnsafeRawBufferPointer(start: data, count: count)
    }

    deinit {
        OPENSSL_cleanse(data, bytes.count)
        CRYPTO_free(data, nil, 0)
    }
}
