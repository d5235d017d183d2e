internal import Config
internal import GatewayModel
internal import Matching
internal import Routing

/// Explains which pages `cors` lets in beyond those that were meant: scripts of such an origin can read what it answers, and with
/// `credentials` act for the users who visit.
struct CORSChecks {
    private let findings: Findings

    init(_ findings: Findings) { self.findings = findings }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        guard let cors = route.cors else { return }
        let path = path["cors"]
        // Browsers ask of every method but these three (Fetch, "CORS-safelisted method").
        let asked = cors.methods + ["GET", "HEAD", "POST"]
        if let missing = route.match.httpMethods.first(where: { !asked.contains($0) && $0 != "OPTIONS" }) {
            findings.report(
                "found no \(missing), which the route takes: browsers let no page send it", at: path["methods"], severity: .warning)
        }
        let taken = Self.foreignOrigins.first { cors.takes($0) }
        switch (cors.credentials, taken) {
        case (.allowed, let taken?):
            findings.report(
                "found beside origins that take any page, such as \(taken), which could then act for its visitors, expected origins "
                    + "by name, or credentials: any_origin",
                at: path["credentials"])
        case (.allowedToAnyOrigin, nil):
            findings.report("found any_origin where not every origin is taken, expected true", at: path["credentials"])
        case (.allowedToAnyOrigin, _):
            findings.report("pages of any origin can act for the users who visit them", at: path["credentials"], severity: .warning)
        case (.allowed, nil), (.refused, _): break
        }
        guard taken == nil else { return }
        for test in cors.origins.tests {
            guard let unintended = test.unintended else { continue }
            findings.report(
                "\(unintended.why), so pages of \(unintended.origin) are let in, too; \(unintended.instead)", at: path["origins"],
                severity: .warning)
        }
    }

    /// Origins that no configuration means but by all.
    private static let foreignOrigins = [
        "https://martlet.example", "http://martlet.example", "https://a.martlet.example:8443", "https://192.0.2.1",
    ]
}

extension CORSConfiguration {
    fileprivate func takes(_ origin: String) -> Bool { origins.covers(.exact(origin)) }
}

extension ValueMatch.Test {
    fileprivate typealias Unintended = (why: String, origin: String, instead: String)

    /// An origin that it takes besides those it seems to name.
    fileprivate var unintended: Unintended? {
        switch self {
        case .prefix(let text): Self.unintended(beginningWith: text)
        case .suffix(let text): Self.unintended(endingIn: text)
        case .regex(let expression) where OriginPattern.text(of: expression) == nil: Self.unintended(matching: expression)
        case .present, .absent, .exact, .regex, .range, .file: nil
        }
    }

    /// Only a port cannot go on into another host's name.
    private static func unintended(beginningWith text: String) -> Unintended? {
        let host = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? ""
        guard !host.contains(":") else { return nil }
        let origin = text.hasSuffix(".") ? "\(text)martlet.example" : "\(text).martlet.example"
        return ("a host may go on behind the prefix \(text)", origin, "write \(text):* for its ports")
    }

    /// A name that does not begin with the suffix may go on in front of it.
    private static func unintended(endingIn text: String) -> Unintended? {
        guard !text.hasPrefix("."), !text.hasPrefix("/"), !text.hasPrefix(":"), text.contains(".") else { return nil }
        return (
            "a name may begin before the suffix \(text)", "https://martlet-\(text)", "write https://*.\(text) for hosts below it"
        )
    }

    private static func unintended(matching expression: RegularExpression) -> Unintended? {
        guard let example = OriginExample(of: expression) else { return nil }
        for position in example.text.indices where example.text[position] == "." {
            let other = example.text.replacingCharacter(at: position, with: "-")
            if expression.matches(other) {
                return ("a . in \(expression.text) takes any character", other, #"write \. for a dot"#)
            }
        }
        // Names that end in what they should be below of, and hosts that go on behind it.
        for other in example.wider where expression.matches(other) {
            return ("\(expression.text) takes more than one host's name", other, #"write a \. where its labels end, and end it"#)
        }
        return nil
    }
}

extension String {
    fileprivate func replacingCharacter(at position: Index, with other: Character) -> String {
        String(self[..<position]) + String(other) + self[index(after: position)...]
    }
}
