/// Which of a listener's certificates answers which server name (RFC 6066, section 3).
///
/// By the DNS names among a certificate's alternative names: an exact name before a wildcard, which stands for one
/// label (RFC 9525, section 6.3); of two certificates with one name, the first as configured.
struct CertificateChoice {
    private var exact: [String: Int] = [:]
    /// By what follows `*`, its dot included.
    private var wildcard: [String: Int] = [:]

    init(_ certificates: [CertificateInfo]) {
        for (index, certificate) in certificates.enumerated() {
            for case .dns(let written) in certificate.names {
                let name = written.lowercased()
                if name.hasPrefix("*.") {
                    let suffix = String(name.dropFirst())
                    if wildcard[suffix] == nil { wildcard[suffix] = index }
                } else if exact[name] == nil {
                    exact[name] = index
                }
            }
        }
    }

    func index(for name: UnsafePointer<CChar>) -> Int? {
        // OpenSSL has bounded it at 255 bytes and refused zeroes inside.
        index(for: String(cString: name))
    }

    func index(for serverName: String) -> Int? {
        let name = serverName.lowercased()
        if let index = exact[name] { return index }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return wildcard[String(name[dot...])]
    }
}
