/// The section `overload`: what the whole process may have under way. `nil` stands for `none`.
package struct OverloadConfiguration: Sendable, Equatable {
    /// Connections of callers, over all listeners.
    package var connections: Int?
    /// Calls in progress.
    package var calls: Int?
    /// What the process takes of the machine's memory, all in all.
    package var memory: Int?

    package static let defaults = OverloadConfiguration(connections: nil, calls: nil, memory: nil)
}
