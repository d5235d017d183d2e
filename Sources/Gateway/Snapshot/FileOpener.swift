package import Config
internal import Crypto
internal import JOSE
package import TLS
package import Time

/// Opens the files that a configuration names, and reports what is wrong with them at the places that name them.
struct FileOpener {
    private let read: (String) -> Result<[UInt8], FileFailure>
    private let now: WallTime
    private(set) var issues: [Issue] = []

    init(read: @escaping (String) -> Result<[UInt8], FileFailure>, now: WallTime) {
        self.read = read
        self.now = now
    }

    mutating func report(_ message: String, at place: Place, severity: Issue.Severity = .error) {
        issues.append(Issue(at: place, message, severity: severity))
    }

    /// The bytes of a file; `nil` where it cannot be read.
    mutating func bytes(_ path: Located<String>) -> [UInt8]? {
        switch read(path.value) {
        case .success(let bytes): return bytes
        case .failure(let failure):
            report("found \(Quoted.text(path.value)), which cannot be read: \(failure.reason)", at: path.place)
            return nil
        }
    }

    // MARK: Certificates

    mutating func identity(_ pair: CertificatePair) -> Identity? {
        let chain = bytes(pair.certificate)
        let key = bytes(pair.privateKey)
        guard let chain, let key else { return nil }
        do throws(ContextMistake) {
            let identity = try Identity(chain: chain, key: key)
            for warning in identity.warnings(at: now) {
                report(warning.text, at: pair.certificate.place, severity: .warning)
            }
            return identity
        } catch {
            report(error.description, at: error.isAboutKey ? pair.privateKey.place : pair.certificate.place)
            return nil
        }
    }

    mutating func authorities(_ path: Located<String>) -> CertificateAuthorities? {
        guard let pem = bytes(path) else { return nil }
        do throws(ContextMistake) {
            return try CertificateAuthorities(pem: pem)
        } catch {
            report(error.description, at: path.place)
            return nil
        }
    }

    mutating func upstreamTLS(_ tls: PeerTLS, protocols: [ApplicationProtocol], at place: Place) -> UpstreamTLS? {
        var contents: [UInt8] = []
        var authorities = CertificateAuthorities.system
        if let ca = tls.ca {
            guard let pem = bytes(ca), let given = self.authorities(ca) else { return nil }
            contents += pem
            authorities = given
        }
        var settings = ClientSettings(authorities: authorities)
        settings.applicationProtocols = protocols
        if let pair = tls.certificate {
            guard let chain = bytes(pair.certificate), let key = bytes(pair.privateKey), let own = identity(pair) else {
                return nil
            }
            contents += chain + key
            settings.identity = own
        }
        var name: ServerName?
        if let text = tls.serverName {
            guard let given = ServerName(text) else {
                report("found \(Quoted.text(text)), expected a host name or an address", at: place)
                return nil
            }
            name = given
        }
        do throws(ContextMistake) {
            return UpstreamTLS(context: try ClientContext(settings), digest: contents.withUnsafeBytes { DigestAlgorithm.sha256.hash($0) }, serverName: name)
        } catch {
            report(error.description, at: place)
            return nil
        }
    }

    // MARK: Keys

    /// An issuer's keys, or where they will be fetched from.
    mutating func keys(of issuer: IssuerConfiguration) -> (KeySet?, KeySetSource?) {
        let algorithm = SigningAlgorithm(rawValue: issuer.algorithm.rawValue) ?? .rs256
        let place = issuer.keys.place
        switch issuer.keys.value {
        case .file(let path):
            guard let text = bytes(Located(path, at: place)) else { return (nil, nil) }
            return (keySet(text, algorithm, at: place), nil)
        case .inline(let text):
            return (keySet(Array(text.utf8), algorithm, at: place), nil)
        case .https(let address, let authority, let path, let ca):
            var pem: [UInt8]?
            if let ca {
                guard authorities(ca) != nil else { return (nil, nil) }
                pem = bytes(ca)
            }
            let source = KeySetSource(
                endpoint: EndpointAddress(address), authority: authority, path: path, authorities: pem,
                rsaAlgorithm: algorithm)
            return (nil, source)
        }
    }

    private mutating func keySet(_ text: [UInt8], _ algorithm: SigningAlgorithm, at place: Place) -> KeySet? {
        let rules = KeySet.Rules(allowsSymmetric: true, rsaAlgorithm: algorithm)
        do throws(KeySetFailure) {
            let keys = try KeySet.parse(text, rules: rules)
            for skipped in keys.skipped {
                let name = skipped.keyID.map { " (\(Quoted.text($0)))" } ?? ""
                report("key \(skipped.index + 1)\(name) is not used: \(skipped.reason.rawValue)", at: place, severity: .warning)
            }
            if keys.keys.isEmpty { report("found no key that can verify a token", at: place) }
            return keys
        } catch {
            report("the key set cannot be used: \(error.reason)", at: place)
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
