/// Reads one configuration: holds its tree, gathers its issues.
///
/// Nothing here stops at the first mistake. A part that cannot be read is `nil` or its default, is reported once, and
/// reading goes on with the next.
package final class Reader {
    package let surroundings: Surroundings
    /// The whole document; `nil` when YAML itself stopped, and then `issues` says where.
    package let root: Node?
    package private(set) var issues: [Issue]
    /// The paths of elements that could not be read.
    private var leftOut: Set<String> = []

    package init(_ text: String, file: String, surroundings: Surroundings) {
        self.surroundings = surroundings
        (root, issues) = Document.read(text, file: file, environment: surroundings.environment)
    }

    package func report(_ message: String, at place: Place, severity: Issue.Severity = .error) {
        issues.append(Issue(at: place, message, severity: severity))
    }

    /// Where the parts of what was read were written.
    package var places: PlaceIndex { root.map { PlaceIndex($0, leftOut: leftOut) } ?? .none }

    /// An element that the list which is made of its nodes will not have.
    func leaveOut(_ element: Node) { leftOut.insert(element.place.path) }

    /// `found X, expected Y`; says nothing about a value whose variables were already reported.
    package func reportMismatch(_ node: Node, expected: String, hint: String = "") {
        if node.scalar?.isBroken == true { return }
        report("found \(node.found), expected \(expected)\(hint)", at: node.place)
    }

    /// Lets `body` read the keys of a mapping; a key that it did not ask for is unknown.
    ///
    /// `body` asks for every key it knows on every path, or the unknown ones and their hints come out wrong.
    package func section<Value>(
        _ node: Node, expected: String = "a mapping", _ body: (Section) -> Value?
    ) -> Value? {
        guard let entries = node.entries else {
            reportMismatch(node, expected: expected)
            return nil
        }
        let section = Section(entries, at: node.place, reader: self)
        let value = body(section)
        section.finish()
        return value
    }
}
