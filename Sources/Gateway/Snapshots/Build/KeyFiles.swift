internal import Config
internal import GatewayModel
internal import JOSE
internal import Transport
internal import Upstreams

extension FileOpener {
    /// An issuer's keys, or where they will be fetched from.
    ///
    /// - Parameter path: the issuer's.
    mutating func keys(of issuer: IssuerConfiguration, at path: ConfigurationPath) -> (KeySet?, KeySetSource?) {
        let algorithm = SigningAlgorithm(rawValue: issuer.algorithm.rawValue) ?? .rs256
        let keysPath = path["jwks"]
        switch issuer.keys {
        case .file(let file):
            guard let text = bytes(file, at: keysPath) else { return (nil, nil) }
            return (keySet(text, algorithm, at: keysPath), nil)
        case .inline(let text):
            return (keySet(Array(text.utf8), algorithm, at: keysPath), nil)
        case .http(let address, let authority, let target):
            let source = KeySetSource(
                endpoint: EndpointAddress(address), authority: authority, path: target, isSecure: false, authorities: nil,
                rsaAlgorithm: algorithm)
            return (nil, source)
        case .https(let address, let authority, let target, let ca):
            var pem: [UInt8]?
            if let ca {
                guard let text = bytes(ca, at: path["jwks_ca"]), authorities(text, from: ca, at: path["jwks_ca"]) != nil else {
                    return (nil, nil)
                }
                pem = text
            }
            let source = KeySetSource(
                endpoint: EndpointAddress(address), authority: authority, path: target, authorities: pem,
                rsaAlgorithm: algorithm)
            return (nil, source)
        }
    }

    private mutating func keySet(_ text: [UInt8], _ algorithm: SigningAlgorithm, at path: ConfigurationPath) -> KeySet? {
        let rules = KeySet.Rules(allowsSymmetric: true, rsaAlgorithm: algorithm)
        do throws(KeySetFailure) {
            let keys = try KeySet.parse(text, rules: rules)
            for skipped in keys.skipped {
                let name = skipped.keyID.map { " (\(Quoted.text($0)))" } ?? ""
                report("key \(skipped.index + 1)\(name) is not used: \(skipped.reason.reason)", at: path, severity: .warning)
            }
            if keys.keys.isEmpty { report("found no key that can verify a token", at: path) }
            return keys
        } catch {
            report("the key set cannot be used: \(error.reason)", at: path)
            return nil
        }
    }
}
