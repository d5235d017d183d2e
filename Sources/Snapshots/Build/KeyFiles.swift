internal import Config
internal import GatewayModel
internal import JOSE
internal import Transport
internal import Upstreams

extension FileOpener {
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
                report("key \(skipped.index + 1)\(name) is not used: \(skipped.reason.reason)", at: place, severity: .warning)
            }
            if keys.keys.isEmpty { report("found no key that can verify a token", at: place) }
            return keys
        } catch {
            report("the key set cannot be used: \(error.reason)", at: place)
            return nil
        }
    }
}
