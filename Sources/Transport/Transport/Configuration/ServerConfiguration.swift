package import Config

/// How a server drains.
package struct DrainConfiguration: Sendable, Equatable {
    /// From failing `/ready` to the first GOAWAY, so that load balancers stop sending.
    package var delay: Duration
    /// What running calls then have.
    package var timeout: Duration

    package static let defaults = DrainConfiguration(delay: .zero, timeout: .seconds(30))
}

extension Grammar where Value == DrainConfiguration {
    package static var drain: Grammar {
        .section { section in
            let defaults = DrainConfiguration.defaults
            return DrainConfiguration(
                delay: section.value("delay", .duration, default: defaults.delay),
                timeout: section.value("timeout", .duration, default: defaults.timeout))
        }
    }
}

extension Grammar where Value == Int? {
    /// `auto`, one for each core that this process may run on and read as `nil`, or a number.
    package static var workers: Grammar { .word("auto", or: .count(1...1024)) }
}

/// The section `admin`: where health and metrics are served, apart from what callers reach.
package enum AdminSection {
    /// Reads its address; this host's own callers only, unless it says otherwise.
    package static func read(in root: Section) -> NetworkAddress {
        root.optional("admin", .section(expected: "a mapping with address") { $0.required("address", .listenAddress) })
            ?? .ip("127.0.0.1", port: 9901)
    }
}
