internal import COpenSSL
package import Time

/// What a certificate says of itself, for rules, logs and metrics.
package struct CertificateInfo: Hashable, Sendable {
    /// The distinguished name as RFC 4514 writes it, most specific part first.
    package let subject: String
    /// The subject's alternative names in their order, then its common names.
    package let names: [CertificateName]
    package let notBefore: WallTime
    package let notAfter: WallTime
    /// SHA-256 of the whole certificate in DER.
    package let fingerprint: [UInt8]

    init(_ certificate: OpaquePointer) {
        subject = Self.subject(of: certificate)
        names = Self.alternativeNames(of: certificate) + Self.commonNames(of: certificate)
        notBefore = WallTime(asn1: X509_get0_notBefore(certificate))
        notAfter = WallTime(asn1: X509_get0_notAfter(certificate))
        fingerprint = Self.fingerprint(of: certificate)
    }

    static func fingerprint(of certificate: OpaquePointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { target, count in
            var length: UInt32 = 0
            // Fails only for want of memory; an empty fingerprint then matches nothing.
            count = X509_digest(certificate, EVP_sha256(), target.baseAddress, &length) == 1 ? Int(length) : 0
        }
    }

    private static func subject(of certificate: OpaquePointer) -> String {
        guard let text = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(text) }
        guard shim_name_print(text, X509_get_subject_name(certificate)) >= 0 else { return "" }
        var start: UnsafeMutablePointer<CChar>?
        let count = shim_bio_memory(text, &start)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    private static func alternativeNames(of certificate: OpaquePointer) -> [CertificateName] {
        var names: [CertificateName] = []
        guard let general = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return names }
        let list = OpaquePointer(general)
        defer { GENERAL_NAMES_free(list) }
        for index in 0..<shim_general_names_count(list) {
            guard let name = shim_general_name(list, index), let string = shim_general_name_string(name),
                let text = text(ASN1_STRING_get0_data(string), ASN1_STRING_length(string))
            else { continue }
            switch name.pointee.type {
            case GEN_URI: names.append(.uri(text))
            case GEN_DNS: names.append(.dns(text))
            case GEN_EMAIL: names.append(.email(text))
            default: continue
            }
        }
        return names
    }

    private static func commonNames(of certificate: OpaquePointer) -> [CertificateName] {
        var names: [CertificateName] = []
        guard let subject = X509_get_subject_name(certificate) else { return names }
        var index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        while index >= 0 {
            var utf8: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)))
            if count >= 0 {
                if let text = text(utf8, count) { names.append(.commonName(text)) }
                shim_free(utf8)
            }
            index = X509_NAME_get_index_by_NID(subject, NID_commonName, index)
        }
        return names
    }

    /// A name that an eye or a C string would read differently (control characters, NUL, bad UTF-8) is no name.
    private static func text(_ bytes: UnsafePointer<UInt8>?, _ count: Int32) -> String? {
        let buffer = UnsafeBufferPointer(start: bytes, count: Int(count))
        guard !buffer.isEmpty, !buffer.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return nil }
        return String(validating: buffer, as: UTF8.self)
    }
}

/// One name of a certificate. Names of one kind never equal names of another.
package enum CertificateName: Hashable, Sendable {
    case uri(String)
    case dns(String)
    case email(String)
    case commonName(String)

    package var text: String {
        switch self {
        case .uri(let text), .dns(let text), .email(let text), .commonName(let text): text
        }
    }
}

extension WallTime {
    /// Times before 1970 become 1970.
    init(asn1 time: UnsafePointer<ASN1_TIME>?) {
        var days: Int32 = 0
        var seconds: Int32 = 0
        let epoch = ASN1_TIME_set(nil, 0)
        defer { ASN1_STRING_free(epoch) }
        // OpenSSL parsed the certificate, so a malformed time is possible still; it counts as long past.
        if ASN1_TIME_diff(&days, &seconds, epoch, time) != 1 { (days, seconds) = (0, 0) }
        // What 64 bits of nanoseconds cannot hold (after 2554) is their end.
        let total = Int64(days) * 86_400 + Int64(seconds)
        self.init(seconds: min(total, Int64(UInt64.max / 1_000_000_000)))
    }
}
