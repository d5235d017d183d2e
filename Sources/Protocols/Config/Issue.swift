/// One mistake in a configuration, or one thing to think about, at its place.
package struct Issue: Sendable, Equatable {
    package enum Severity: Sendable {
        /// The configuration is refused.
        case error
        /// The configuration is taken into service.
        case warning
    }

    package var place: Place
    package var severity: Severity
    /// What was found and what was expected; never holds a secret.
    package var message: String

    package init(at place: Place, _ message: String, severity: Severity = .error) {
        self.place = place
        self.message = message
        self.severity = severity
    }

    /// Empty where it was read from no file.
    fileprivate var location: String { place.file.isEmpty ? "" : "\(place.file):\(place.line):\(place.column):" }

    fileprivate var statement: String {
        (place.path.isEmpty ? "" : "\(place.path): ") + (severity == .warning ? "warning: " : "") + message
    }
}

extension Issue: CustomStringConvertible {
    /// `file:line:column: path: message`, the way compilers write it, so that editors can jump there.
    package var description: String { location.isEmpty ? statement : "\(location) \(statement)" }
}

extension Array where Element == Issue {
    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// In the order of the file, so that they can be worked off from top to bottom.
    package var inOrder: [Issue] {
        enumerated().sorted { left, right in
            let (a, b) = (left.element.place, right.element.place)
            return (a.line, a.column, left.offset) < (b.line, b.column, right.offset)
        }.map(\.element)
    }

    /// One line each, in order, the paths beneath each other.
    package var report: String {
        let width = map { $0.location.unicodeScalars.count }.max() ?? 0
        return inOrder.map { issue in
            guard width > 0 else { return "\(issue.statement)\n" }
            let padding = String(repeating: " ", count: width - issue.location.unicodeScalars.count)
            return "\(issue.location)\(padding) \(issue.statement)\n"
        }.joined()
    }
}
