package import Config

/// How a server leaves.
package struct DrainConfiguration: Sendable, Equatable {
    /// From failing `/ready` to the first GOAWAY, so that load balancers can look away.
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
package struct AdminConfiguration: Sendable, Equatable {
    package var address: Located<NetworkAddress>

    /// Reads the section below `key`; this host's own callers only, unless it says otherwise.
    package static func read(in section: Section, key: String = "admin") -> AdminConfiguration {
        let address = section.optional(key, .section { $0.required("address", .located(.listenAddress)) })
        return AdminConfiguration(address: address ?? Located(.ip("127.0.0.1", port: 9901), at: section.place))
    }

    /// A listener may not be where admin is.
    package func check(against listeners: [ListenerConfiguration], _ reader: Reader) {
        guard address.value.port != 0 else { return }
        for listener in listeners where listener.address.value == address.value {
            reader.report(
                "found \(Quoted.text(address.value.description)), which admin has, expected an address of its own",
                at: listener.address.place)
        }
    }
}
