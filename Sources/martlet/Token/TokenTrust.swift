import Config
import JOSE
import JSON
import Time

/// Whether a token is valid, with the details that a caller of the gateway is not told.
struct TokenTrust {
    let keys: KeySet
    /// Any where `nil`.
    let issuer: String?
    /// Any where empty.
    let audiences: [String]

    /// - Parameter parts: of the same token.
    func verify(
        _ token: UnsafeRawBufferPointer, _ parts: CompactToken, at now: WallTime
    ) -> Result<String, CommandFailure> {
        let policy = IssuerPolicy(
            issuer: issuer ?? parts.claims["iss"]?.string ?? "",
            audiences: audiences.isEmpty ? Self.texts(parts.claims["aud"]) : audiences)
        do throws(TokenFailure) {
            let verified = try TokenVerifier.verify(token, trusting: [TrustedIssuer(policy, keys: keys)], at: now)
            let name = verified.keyID.map { ", key " + Quoted.text(String(decoding: $0, as: UTF8.self)) } ?? ""
            return .success("Valid: signed with \(verified.algorithm.rawValue)\(name).")
        } catch {
            return .failure(CommandFailure("not valid: \(error.reason)\(explanation(error, parts, at: now))"))
        }
    }

    private func explanation(_ failure: TokenFailure, _ parts: CompactToken, at now: WallTime) -> String {
        func found(_ name: StaticString, in part: JSONValue) -> String {
            guard let value = part[name] else { return "no \(name)" }
            return value.kind == .array ? Self.quoted(Self.texts(value)) : Quoted.text(value.string ?? "no text")
        }
        switch failure {
        case .unknownIssuer:
            return ": found \(found("iss", in: parts.claims)), expected " + (issuer.map(Quoted.text) ?? "an iss")
        case .wrongAudience:
            let expected = audiences.isEmpty ? "an aud" : Self.quoted(audiences)
            return ": found \(found("aud", in: parts.claims)), expected \(expected)"
        case .unknownKey:
            let names = keys.keys.map { key in
                key.keyID.map { Quoted.text(String(decoding: $0, as: UTF8.self)) } ?? "one without a kid"
            }
            return ": found the kid \(found("kid", in: parts.header)), the set has \(Quoted.alternatives(names))"
        case .algorithmMismatch, .unsupportedAlgorithm:
            return ": found the alg \(found("alg", in: parts.header)), expected "
                + Quoted.alternatives(keys.keys.map(\.algorithm.rawValue))
        case .expired:
            return parts.claims["exp"]?.int64.map { ": " + TimeText.relative($0, to: now.seconds) } ?? ""
        case .notYetValid:
            return parts.claims["nbf"]?.int64.map { ": only " + TimeText.relative($0, to: now.seconds) } ?? ""
        default: return ""
        }
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        guard let value else { return [] }
        return value.kind == .array ? value.elements.compactMap(\.string) : value.string.map { [$0] } ?? []
    }

    private static func quoted(_ names: [String]) -> String {
        names.isEmpty ? "none" : Quoted.alternatives(names.map(Quoted.text))
    }
}
