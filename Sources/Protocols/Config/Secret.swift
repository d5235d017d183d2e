/// Text that must not be shown: it prints as `***` wherever it ends up.
package struct Secret: Sendable, Hashable {
    package var text: String
    package init(_ text: String) { self.text = text }
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
            var text = scalar.text
            if text.hasPrefix("file:") {
                guard let contents = reader.readFile(String(text.dropFirst(5)), for: node) else { return nil }
                text = contents.hasSuffix("\n") ? String(contents.dropLast()) : contents
            } else if !scalar.comesFromEnvironment {
                reader.report(
                    "the secret is written out in this file; better \(secretExpected)", at: node.place, severity: .warning)
            }
            guard !text.isEmpty else {
                reader.report("found an empty secret, expected \(expected)", at: node.place)
                return nil
            }
            return Secret(text)
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
