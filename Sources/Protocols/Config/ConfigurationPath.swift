/// The way from the root of a configuration to one of its parts, by the keys of its language: `routes[3].limits[0]`.
///
/// Positions count the elements that the configuration has: what could not be read is not among them.
package struct ConfigurationPath: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case key(String)
        case element(Int)
    }

    package private(set) var steps: [Step] = []
    /// The last key itself is meant, not what stands behind it.
    package private(set) var isKey = false

    package static let root = ConfigurationPath()

    private init() {}

    package init(_ key: String) { steps = [.key(key)] }

    package subscript(key: String) -> ConfigurationPath { appending(.key(key)) }

    package subscript(element: Int) -> ConfigurationPath { appending(.element(element)) }

    /// The last key itself, for what is named by it.
    package var key: ConfigurationPath {
        var path = self
        path.isKey = true
        return path
    }

    private func appending(_ step: Step) -> ConfigurationPath {
        var path = self
        path.steps.append(step)
        path.isKey = false
        return path
    }
}
