package import Config
internal import Crypto
package import TLS
package import Time

/// Opens the files that a configuration names, and reports what is wrong with them at the keys that name them.
package struct FileOpener {
    private let read: (String) -> Result<[UInt8], FileFailure>
    private let now: WallTime
    package let places: PlaceIndex
    package private(set) var issues: [Issue] = []

    package init(read: @escaping (String) -> Result<[UInt8], FileFailure>, places: PlaceIndex, now: WallTime) {
        self.read = read
        self.places = places
        self.now = now
    }

    package mutating func report(_ message: String, at path: ConfigurationPath, severity: Issue.Severity = .error) {
        issues.append(Issue(at: places.place(of: path), message, severity: severity))
    }

    /// What the reader of a file has found in it.
    package mutating func add(_ found: [Issue]) { issues += found }

    /// The bytes of a file; `nil` where it cannot be read.
    package mutating func bytes(_ file: String, at path: ConfigurationPath) -> [UInt8]? {
        switch read(file) {
        case .success(let bytes): return bytes
        case .failure(let failure):
            report("found \(Quoted.text(file)), which cannot be read: \(failure.reason)", at: path)
            return nil
        }
    }

    // MARK: Certificates

    /// - Parameter path: of the mapping with the pair.
    package mutating func identity(_ pair: CertificatePair, at path: ConfigurationPath) -> Identity? {
        contents(of: pair, at: path).flatMap { identity(pair, at: path, chain: $0.chain, key: $0.key) }
    }

    private mutating func contents(of pair: CertificatePair, at path: ConfigurationPath) -> (chain: [UInt8], key: [UInt8])? {
        let chain = bytes(pair.certificate, at: path[CertificatePair.certificateKey])
        let key = bytes(pair.privateKey, at: path[CertificatePair.privateKeyKey])
        guard let chain, let key else { return nil }
        return (chain, key)
    }

    private mutating func identity(
        _ pair: CertificatePair, at path: ConfigurationPath, chain: [UInt8], key: [UInt8]
    ) -> Identity? {
        do throws(ContextMistake) {
            let identity = try Identity(chain: chain, key: key)
            for warning in identity.warnings(at: now) {
                report(
                    "\(Quoted.text(pair.certificate)): \(warning.text)", at: path[CertificatePair.certificateKey],
                    severity: .warning)
            }
            return identity
        } catch {
            let file = error.isAboutKey ? pair.privateKey : pair.certificate
            let key = error.isAboutKey ? CertificatePair.privateKeyKey : CertificatePair.certificateKey
            report("\(Quoted.text(file)): \(error.description)", at: path[key])
            return nil
        }
    }

    package mutating func authorities(_ file: String, at path: ConfigurationPath) -> CertificateAuthorities? {
        guard let pem = bytes(file, at: path) else { return nil }
        return authorities(pem, from: file, at: path)
    }

    /// - Parameter file: that the text was read from.
    package mutating func authorities(
        _ pem: [UInt8], from file: String, at path: ConfigurationPath
    ) -> CertificateAuthorities? {
        do throws(ContextMistake) {
            return try CertificateAuthorities(pem: pem)
        } catch {
            report("\(Quoted.text(file)): \(error.description)", at: path)
            return nil
        }
    }

    /// - Parameters:
    ///   - path: of the mapping that is read as `tls`.
    ///   - owner: where mistakes are reported that are no file's.
    package mutating func upstreamTLS(
        _ tls: PeerTLS, protocols: [ApplicationProtocol], at path: ConfigurationPath, of owner: ConfigurationPath
    ) -> UpstreamTLS? {
        var contents: [UInt8] = []
        var settings = ClientSettings(authorities: .system)
        settings.applicationProtocols = protocols
        if !tls.verifiesCertificates {
            settings.verifiesCertificates = false
            // Connections that were made so are no others'.
            contents.append(0)
        }
        // Every file is looked at before the first bad one ends it.
        var isWhole = true
        if let ca = tls.ca {
            if let pem = bytes(ca, at: path["ca"]), let given = authorities(pem, from: ca, at: path["ca"]) {
                contents += pem
                settings.authorities = given
            } else {
                isWhole = false
            }
        }
        if let pair = tls.certificate {
            if let read = self.contents(of: pair, at: path),
                let own = identity(pair, at: path, chain: read.chain, key: read.key)
            {
                contents += read.chain + read.key
                settings.identity = own
            } else {
                isWhole = false
            }
        }
        var name: ServerName?
        if let text = tls.serverName {
            guard let given = ServerName(text) else {
                report("found \(Quoted.text(text)), expected a host name or an address", at: owner)
                return nil
            }
            name = given
        }
        guard isWhole else { return nil }
        do throws(ContextMistake) {
            return UpstreamTLS(
                context: try ClientContext(settings), digest: contents.withUnsafeBytes { DigestAlgorithm.sha256.hash($0) },
                serverName: name)
        } catch {
            report(error.description, at: owner)
            return nil
        }
    }
}

extension IdentityWarning {
    fileprivate var text: String {
        switch self {
        case .expired(let index, _): "certificate \(index) of the file has expired"
        case .notYetValid(let index, _): "certificate \(index) of the file is not valid yet"
        }
    }
}

extension ContextMistake {
    /// Whether the file to look at is the private key's.
    fileprivate var isAboutKey: Bool {
        switch self {
        case .noKey, .malformedKey, .encryptedKey, .keyMismatch: true
        default: false
        }
    }
}
