/// Text that must not be shown: it prints as `***` wherever it ends up.
package struct Secret: Sendable, Hashable {
    package var text: String
    /// Which it was read from, where it was: it may be read again.
    package var file: String?

    package init(_ text: String, file: String? = nil) {
        self.text = text
        self.file = file
    }

    /// Of a file's contents; `nil` where there is none in it.
    package init?(contents: String, of file: String) {
        self.init(contents.hasSuffix("\n") ? String(contents.dropLast()) : contents, file: file)
        if text.isEmpty { return nil }
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "***" }
    package var debugDescription: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Grammar where Value == Secret {
    static var secretExpected: String { "${NAME} for an environment variable, or file:PATH" }

    /// A secret: from the environment, from a file (`file:PATH`, one newline at its end not counted), or, with a
    /// warning, written out. No message shows it.
    package static var secret: Grammar {
        Grammar(expected: secretExpected) { node, reader, expected in
            guard let scalar = node.scalar, !scalar.isAbsent else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            guard !scalar.isBroken else { return nil }
            var secret: Secret? = scalar.text.isEmpty ? nil : Secret(scalar.text)
            if scalar.text.hasPrefix("file:") {
                let path = String(scalar.text.dropFirst(5))
                guard let contents = reader.readFile(path, for: node) else { return nil }
                secret = Secret(contents: contents, of: path)
            } else if !scalar.comesFromEnvironment {
                reader.report(
                    "the secret is written out in this file; better \(secretExpected)", at: node.place, severity: .warning)
            }
            if secret == nil { reader.report("found an empty secret, expected \(expected)", at: node.place) }
            return secret
        }
    }
}

extension Reader {
    /// The text of a file that a value names; what keeps it from being read is reported.
    package func readFile(_ path: String, for node: Node) -> String? {
        switch surroundings.readFile(path) {
        case .success(let text): return text
        case .failure(let failure):
            report("cannot read \(Quoted.text(path)): \(failure.reason)", at: node.place)
            return nil
        }
    }
}
