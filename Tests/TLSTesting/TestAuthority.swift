internal import COpenSSL

/// A certificate authority made on the spot: issues certificates and hands everything out as PEM.
package final class TestAuthority {
    private let key = TestAuthority.makeKey()
    private let certificate: OpaquePointer
    package let name: String

    package init(_ name: String) {
        self.name = name
        certificate = Self.make(subject: name, key: key, issuer: name, issuerKey: key, extensions: Self.authorityExtensions)
    }

    /// An authority below this one.
    package init(_ name: String, below parent: TestAuthority) {
        self.name = name
        certificate = Self.make(
            subject: name, key: key, issuer: parent.name, issuerKey: parent.key, extensions: Self.authorityExtensions)
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    package var pem: [UInt8] { Self.pem(certificate) }

    package struct Issued {
        package var certificate: [UInt8]
        package var key: [UInt8]
    }

    /// - Parameter names: as in openssl.cnf, such as `DNS:a.test,URI:spiffe://a`; empty for none.
    package func issue(
        _ subject: String, names: String = "", from notBefore: Int = -3600, until notAfter: Int = 86_400, rsaBits: Int? = nil
    ) -> Issued {
        let ownKey = Self.makeKey(rsaBits: rsaBits)
        defer { EVP_PKEY_free(ownKey) }
        var extensions: [(Int32, String)] = [(NID_basic_constraints, "critical,CA:FALSE")]
        if !names.isEmpty { extensions.append((NID_subject_alt_name, names)) }
        let issued = Self.make(
            subject: subject, key: ownKey, issuer: name, issuerKey: key, extensions: extensions, from: notBefore, until: notAfter)
        defer { X509_free(issued) }
        return Issued(certificate: Self.pem(issued), key: Self.pem(key: ownKey))
    }

    // MARK: OpenSSL

    private static let authorityExtensions = [
        (NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
    ]

    private static func makeKey(rsaBits: Int? = nil) -> OpaquePointer {
        let context = EVP_PKEY_CTX_new_id(rsaBits == nil ? EVP_PKEY_EC : EVP_PKEY_RSA, nil)
        defer { EVP_PKEY_CTX_free(context) }
        precondition(EVP_PKEY_keygen_init(context) == 1)
        if let rsaBits {
            precondition(EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(rsaBits)) == 1)
        } else {
            precondition(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1)
        }
        var key: OpaquePointer?
        precondition(EVP_PKEY_keygen(context, &key) == 1)
        return key!
    }

    private static func make(
        subject: String, key: OpaquePointer, issuer: String, issuerKey: OpaquePointer, extensions: [(Int32, String)],
        from notBefore: Int = -3600, until notAfter: Int = 86_400
    ) -> OpaquePointer {
        let certificate = X509_new()!
        X509_set_version(certificate, 2)
        var serial: UInt64 = 0
        precondition(withUnsafeMutableBytes(of: &serial) { RAND_bytes($0.baseAddress, 8) } == 1)
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1)
        X509_gmtime_adj(X509_getm_notBefore(certificate), notBefore)
        X509_gmtime_adj(X509_getm_notAfter(certificate), notAfter)
        for (part, text) in [(X509_get_subject_name(certificate), subject), (X509_get_issuer_name(certificate), issuer)] {
            precondition(X509_NAME_add_entry_by_txt(part, "O", MBSTRING_UTF8, "Martlet Tests", -1, -1, 0) == 1)
            // Counted, so that a name may hold a zero.
            precondition(X509_NAME_add_entry_by_txt(part, "CN", MBSTRING_UTF8, text, Int32(text.utf8.count), -1, 0) == 1)
        }
        precondition(X509_set_pubkey(certificate, key) == 1)
        for (number, text) in extensions {
            let made = X509V3_EXT_conf_nid(nil, nil, number, text)
            precondition(made != nil && X509_add_ext(certificate, made, -1) == 1)
            X509_EXTENSION_free(made)
        }
        precondition(X509_sign(certificate, issuerKey, EVP_sha256()) > 0)
        return certificate
    }

    private static func pem(_ certificate: OpaquePointer) -> [UInt8] {
        text { PEM_write_bio_X509($0, certificate) }
    }

    private static func pem(key: OpaquePointer, passphrase: String? = nil) -> [UInt8] {
        text { bio in
            guard let passphrase else { return PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil) }
            return PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase, Int32(passphrase.utf8.count), nil, nil)
        }
    }

    package static func encryptedKey() -> [UInt8] {
        let key = makeKey()
        defer { EVP_PKEY_free(key) }
        return pem(key: key, passphrase: "swift")
    }

    private static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        let bio = BIO_new(BIO_s_mem())!
        defer { BIO_free(bio) }
        precondition(write(bio) == 1)
        var start: UnsafeMutablePointer<CChar>?
        let count = shim_bio_memory(bio, &start)
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
