/// Gathers what is found wrong with a configuration once it is read, at the places of its parts.
package final class Findings {
    package let places: PlaceIndex
    package private(set) var issues: [Issue] = []

    package init(_ places: PlaceIndex) { self.places = places }

    package func report(_ message: String, at path: ConfigurationPath, severity: Issue.Severity = .error) {
        issues.append(Issue(at: places.place(of: path), message, severity: severity))
    }
}

/// What was read of a configuration: its value, where its parts were written, and what is wrong with it.
package struct ConfigurationReading<Value> {
    /// `nil` where nothing could be read, or nothing that may be served.
    package var value: Value?
    package var places: PlaceIndex
    package var issues: [Issue]

    package init(_ value: Value?, _ places: PlaceIndex, _ issues: [Issue]) {
        self.value = value
        self.places = places
        self.issues = issues
    }

    /// Without a value where there is an error among the issues; warnings come with either.
    package var whole: ConfigurationReading { ConfigurationReading(issues.hasErrors ? nil : value, places, issues) }
}
