internal import Config

extension Grammar where Value == AuthenticationMode {
    static var authenticationMode: Grammar {
        let expected = "on, off, ignore_invalid, or a list of names of issuers"
        let name = Grammar<String>.text("the name of an issuer")
        return Grammar(expected: expected) { node, reader, expected in
            if let elements = node.elements {
                guard !elements.isEmpty else {
                    reader.reportMismatch(node, expected: expected)
                    return nil
                }
                let names = elements.compactMap { name.read($0, reader) }
                return names.count == elements.count ? .issuers(names) : nil
            }
            return Grammar(expected: expected) { (text: String) in
                switch text {
                case "on": .value(AuthenticationMode.on)
                case "off": .value(.off)
                case "ignore_invalid": .value(.ignoreInvalid)
                case "true", "yes": .mismatch(hint: "; did you mean \"on\"?")
                case "false", "no", "none": .mismatch(hint: "; did you mean \"off\"?")
                case "ignore", "optional": .mismatch(hint: "; did you mean \"ignore_invalid\"?")
                case _ where text.utf8.count < 5: .mismatch(hint: "; of one issuer write [\(text)]")
                default: .mismatch(hint: Spelling.hint(for: text, among: ["ignore_invalid"]))
                }
            }.read(node, reader)
        }
    }
}
