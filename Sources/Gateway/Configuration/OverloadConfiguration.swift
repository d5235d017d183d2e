internal import Config

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

extension Grammar where Value == OverloadConfiguration {
    static var overload: Grammar {
        .section { section in
            OverloadConfiguration(
                connections: section.value("connections", .word("none", or: .count(1...100_000_000)), default: nil),
                calls: section.value("calls", .word("none", or: .count(1...100_000_000)), default: nil),
                memory: section.value("memory", .word("none", or: .byteSize((64 << 20)...Int.max)), default: nil))
        }
    }
}
