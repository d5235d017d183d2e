/// A mapping being read key by key.
///
/// Asking for a key makes it known; what was never asked for is reported at the end, with the nearest known key.
package final class Section {
    package let place: Place
    package let reader: Reader
    private let entries: [Node.Entry]
    private var known: [String] = []
    private var missing: [(key: String, expected: String)] = []
    private var hints: [String: (text: String, meant: String?)] = [:]

    init(_ entries: [Node.Entry], at place: Place, reader: Reader) {
        self.entries = entries
        self.place = place
        self.reader = reader
    }

    // MARK: Reading

    /// What stands behind `key`, unread.
    package func node(_ key: String) -> Node? {
        if !known.contains(key) { known.append(key) }
        return entries.first { $0.key.value == key }?.value
    }

    package func has(_ key: String) -> Bool { node(key) != nil }

    /// The value of `key`; `nil` where it is left out or wrong.
    package func optional<Value>(_ key: String, _ grammar: Grammar<Value>) -> Value? {
        node(key).flatMap { grammar.read($0, reader) }
    }

    /// The value of `key`, or the default where it is left out or wrong.
    package func value<Value>(_ key: String, _ grammar: Grammar<Value>, default: Value) -> Value {
        optional(key, grammar) ?? `default`
    }

    /// The value of `key`; that it is left out is a mistake.
    package func required<Value>(_ key: String, _ grammar: Grammar<Value>) -> Value? {
        guard let node = node(key) else {
            missing.append((key, grammar.expected))
            return nil
        }
        return grammar.read(node, reader)
    }

    // MARK: Complaining

    /// What is said of a key that is not ours and is probably meant otherwise: "unknown key, …".
    ///
    /// - Parameter meant: the key in whose place it stands, which is then not missing as well.
    package func hint(_ key: String, for meant: String? = nil, _ text: (Node) -> String?) {
        guard let entry = entries.first(where: { $0.key.value == key }), let text = text(entry.value) else { return }
        hints[key] = (text, meant)
    }

    /// About the mapping as a whole.
    package func report(_ message: String, severity: Issue.Severity = .error) {
        reader.report(message, at: place, severity: severity)
    }

    /// About one key, at its value where it is there, else at the mapping.
    package func report(_ message: String, about key: String, severity: Issue.Severity = .error) {
        reader.report(message, at: node(key)?.place ?? place, severity: severity)
    }

    /// Two keys of which only one may be there.
    package func exclude(_ key: String, with other: String) {
        guard has(key), let node = node(other) else { return }
        reader.report("found beside \(Quoted.text(key)), expected only one of the two", at: node.place)
    }

    /// Whether there are keys that have not been asked for yet.
    package var hasUnknownKeys: Bool { entries.contains { !known.contains($0.key.value) } }

    /// Reports what is unknown and what is missing; a key that was only misspelt is not missing as well.
    func finish() {
        var meant: Set<String> = []
        for entry in entries where !known.contains(entry.key.value) {
            if let word = ["true": "on", "false": "off", "yes": "on", "no": "off"][entry.key.value.lowercased()],
                known.contains(word)
            {
                meant.insert(word)
                reader.report(
                    "unknown key; did you mean \(Quoted.text(word))? Tools for YAML 1.1 rewrite it as \(entry.key.value)",
                    at: entry.key.place)
            } else if let hint = hints[entry.key.value] {
                if let key = hint.meant { meant.insert(key) }
                reader.report("unknown key, \(hint.text)", at: entry.key.place)
            } else if let name = Spelling.nearest(to: entry.key.value, among: known) {
                meant.insert(name)
                reader.report("unknown key; did you mean \(Quoted.text(name))?", at: entry.key.place)
            } else {
                let expectation = known.isEmpty ? "" : ", expected \(Quoted.alternatives(known))"
                reader.report("unknown key\(expectation)", at: entry.key.place)
            }
        }
        for (key, expected) in missing where !meant.contains(key) {
            report("the key \(Quoted.text(key)) is missing, expected \(expected)")
        }
    }
}
