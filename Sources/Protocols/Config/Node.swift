/// One piece of a YAML document: raw text, a mapping or a list, and its place.
///
/// Nothing is typed here. A reader that asks for a number reads the text as a number, so YAML's own guesses (`on`, `1:30`,
/// `1.10`) never happen. Keys of a mapping are in the order of the file and unique.
package struct Node: Sendable {
    package enum Content: Sendable {
        case scalar(Scalar)
        case mapping([Entry])
        case list([Node])
    }

    package struct Entry: Sendable {
        package var key: Located<String>
        package var value: Node
    }

    /// An environment variable that a text names.
    struct Variable: Sendable, Equatable {
        var name: String
        var value: String
    }

    package struct Scalar: Sendable, Equatable {
        /// The text with its `${NAME}` replaced.
        package var text: String
        /// The text as it stands in the file. Messages show this one: the environment may hold secrets.
        package var written: String
        package var isQuoted: Bool
        /// A variable was missing or misspelt; it has been reported, and nothing more is to be said about this value.
        package var isBroken: Bool
        /// The variables that were replaced, in the order of the text.
        var variables: [Variable] = []

        package var comesFromEnvironment: Bool { text != written }
        /// A key with nothing behind it.
        package var isAbsent: Bool { written.isEmpty && !isQuoted }
    }

    package var content: Content
    package var place: Place

    package init(_ content: Content, at place: Place) {
        self.content = content
        self.place = place
    }

    /// What a message says was found here.
    package var found: String {
        switch content {
        case .scalar(let scalar): scalar.isAbsent ? "nothing" : Quoted.text(scalar.written) + scalar.meaning(at: place)
        case .mapping(let entries): entries.isEmpty ? "an empty mapping" : "a mapping"
        case .list(let elements): elements.isEmpty ? "an empty list" : "a list"
        }
    }

    package var scalar: Scalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    package var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// Whether this is a mapping with that key.
    package func has(_ key: String) -> Bool { entries?.contains { $0.key.value == key } ?? false }

    package var elements: [Node]? {
        if case .list(let elements) = content { elements } else { nil }
    }
}

extension Node.Scalar {
    /// The values of its variables, for messages: ` (PORT is "x")`. Values that may be secrets are left out: by the name of the key or
    /// the variable, or by what they look like.
    fileprivate func meaning(at place: Place) -> String {
        guard !variables.isEmpty, !SecretNames.suggests(place.path) else { return "" }
        var seen: Set<String> = []
        let told = variables.filter { seen.insert($0.name).inserted }.map { variable in
            SecretNames.suggests(variable.name) || SecretNames.looksSecret(variable.value)
                ? "\(variable.name) is not shown" : "\(variable.name) is \(Quoted.text(variable.value))"
        }
        return " (\(told.joined(separator: ", ")))"
    }
}
