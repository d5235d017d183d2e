internal import Config
internal import HTTPModel

extension Grammar where Value == String {
    /// A method of RFC 9110, section 9, or another token.
    static var httpMethod: Grammar {
        Grammar(expected: "an HTTP method such as GET") { (text: String) in
            if text == "CONNECT" { return .expected("another method: CONNECT is always refused") }
            guard !text.isEmpty, text.utf8.allSatisfy(HTTPGrammar.isToken), text != "*" else { return .mismatch }
            // A standard method in another case is refused before routes and rules are asked.
            guard !Array(text.utf8).withUnsafeBytes({ HTTPMethod.isMiscased($0) }) else {
                return .mismatch(hint: "; methods are case-sensitive: \(text.uppercased())")
            }
            return .value(text)
        }
    }
}

extension Grammar where Value == [String] {
    /// One or several methods, each once.
    static var httpMethods: Grammar {
        let located = Grammar<[Located<String>]>.list(of: .located(.httpMethod)).expecting(
            "an HTTP method such as GET, or a list of them")
        return Grammar(expected: located.expected) { node, reader, expected in
            guard let methods = located.read(node, reader) else { return nil }
            var kept: [String] = []
            for method in methods {
                if method.value != method.value.uppercased() {
                    reader.report(
                        "takes \(method.value) alone, as it is written: methods are case-sensitive, and \(method.value.uppercased()) is another",
                        at: method.place, severity: .warning)
                }
                if kept.contains(method.value) {
                    reader.report("found \(Quoted.text(method.value)) twice, expected each method once", at: method.place)
                } else {
                    kept.append(method.value)
                }
            }
            return kept.count == node.elements?.count ?? 1 ? kept : nil
        }
    }
}
