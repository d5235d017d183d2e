package import Config
internal import Crypto
package import TLS
package import Time

/// Opens the files that a configuration names, and reports what is wrong with them at the places that name them.
package struct FileOpener {
    private let read: (String) -> Result<[UInt8], FileFailure>
    private let now: WallTime
    package private(set) var issues: [Issue] = []

    package init(read: @escaping (String) -> Result<[UInt8], FileFailure>, now: WallTime) {
        self.read = read
        self.now = now
    }

    package mutating func report(_ message: String, at place: Place, severity: Issue.Severity = .error) {
        issues.append(Issue(at: place, message, severity: severity))
    }

    /// What the reader of a file has found in it.
    package mutating func add(_ found: [Issue]) { issues += found }

    /// The bytes of a file; `nil` where it cannot be read.
    package mutating func bytes(_ path: Located<String>) -> [UInt8]? {
        switch read(path.value) {
        case .success(let bytes): return bytes
        case .failure(let failure):
            report("found \(Quoted.text(path.value)), which cannot be read: \(failure.reason)", at: path.place)
            return nil
        }
    }

    // MARK: Certificates

    package mutating func identity(_ pair: CertificatePair) -> Identity? {
        let chain = bytes(pair.certificate)
        let key = bytes(pair.privateKey)
        guard let chain, let key else { return nil }
        return identity(pair, chain: chain, key: key)
    }

    private mutating func identity(_ pair: CertificatePair, chain: [UInt8], key: [UInt8]) -> Identity? {
        do throws(ContextMistake) {
            let identity = try Identity(chain: chain, key: key)
            for warning in identity.warnings(at: now) {
                report("\(Quoted.text(pair.certificate.value)): \(warning.text)", at: pair.certificate.place, severity: .warning)
            }
            return identity
        } catch {
            let file = error.isAboutKey ? pair.privateKey : pair.certificate
            report("\(Quoted.text(file.value)): \(error.description)", at: file.place)
            return nil
        }
    }

    package mutating func authorities(_ path: Located<String>) -> CertificateAuthorities? {
        guard let pem = bytes(path) else { return nil }
        return authorities(pem, from: path)
    }

    private mutating func authorities(_ pem: [UInt8], from path: Located<String>) -> CertificateAuthorities? {
        do throws(ContextMistake) {
            return try CertificateAuthorities(pem: pem)
        } catch {
            report("\(Quoted.text(path.value)): \(error.description)", at: path.place)
            return nil
        }
    }

    package mutating func upstreamTLS(_ tls: PeerTLS, protocols: [ApplicationProtocol], at place: Place) -> UpstreamTLS? {
        var contents: [UInt8] = []
        var settings = ClientSettings(authorities: .system)
        settings.applicationProtocols = protocols
        // Every file is looked at before the first bad one ends it.
        var isWhole = true
        if let ca = tls.ca {
            if let pem = bytes(ca), let given = authorities(pem, from: ca) {
                contents += pem
                settings.authorities = given
            } else {
                isWhole = false
            }
        }
        if let pair = tls.certificate {
            let chain = bytes(pair.certificate)
            let key = bytes(pair.privateKey)
            if let chain, let key, let own = identity(pair, chain: chain, key: key) {
                contents += chain + key
                settings.identity = own
            } else {
                isWhole = false
            }
        }
        var name: ServerName?
        if let text = tls.serverName {
            guard let given = ServerName(text) else {
                report("found \(Quoted.text(text)), expected a host name or an address", at: place)
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
            report(error.description, at: place)
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
