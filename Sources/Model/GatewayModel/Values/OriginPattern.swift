package import Matching

/// Origins with `*` for the labels below a domain, or for the port: `https://*.acme.dev`, `http://localhost:*`.
///
/// They are regular expressions, of which the text can be made again.
package enum OriginPattern {
    private static let labels = #"(?:[a-z0-9_-]+\.)+"#
    private static let port = "(?::[0-9]{1,5})?"

    /// The expression of an origin with `*.` in front of its host or `:*` behind it.
    static func expression(_ scheme: String, isBelow: Bool, host: String, hasAnyPort: Bool) throws(RegularExpression.Mistake)
        -> RegularExpression
    {
        let host = host.replacing(".", with: #"\."#).replacing("[", with: #"\["#).replacing("]", with: #"\]"#)
        return try RegularExpression(scheme + (isBelow ? labels : "") + host + (hasAnyPort ? port : ""))
    }

    /// The origin as it was written; `nil` for other expressions.
    package static func text(of expression: RegularExpression) -> String? {
        let text = expression.text
        let plain = text.replacing(labels, with: "*.").replacing(port, with: ":*")
        guard plain != text else { return nil }
        let unescaped = plain.replacing(#"\."#, with: ".").replacing(#"\["#, with: "[").replacing(#"\]"#, with: "]")
        return unescaped.contains { #"\(){}?+^$|"#.contains($0) } ? nil : unescaped
    }
}

extension CORSConfiguration {
    /// What pages may do, in words.
    package var explanation: String {
        let origins = origins.tests.filter { $0 != .exact("null") }.compactMap(\.origins) + (takesNull ? ["null"] : [])
        let pages = "pages of \(origins.joined(separator: ", "))"
        let means = credentials == .refused ? "without cookies" : "with cookies"
        let headers = headers == .any ? ", with any request header" : ""
        return "\(pages), \(means)\(headers)"
    }
}

extension ValueMatch.Test {
    fileprivate var origins: String? {
        switch self {
        case .present: "any origin"
        case .absent, .range: nil
        case .exact(let text): text
        case .prefix(let text): "origins that begin with \(text)"
        case .suffix(let text): "origins that end in \(text)"
        case .regex(let expression): OriginPattern.text(of: expression) ?? "origins that match \(expression.text)"
        case .file(let path): "the origins in \(path)"
        }
    }
}
