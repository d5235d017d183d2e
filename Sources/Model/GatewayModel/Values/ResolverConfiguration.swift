package import Config

/// `resolver`: what is to be otherwise than /etc/resolv.conf says. What is left out is as it says there.
package struct ResolverConfiguration: Sendable, Equatable {
    /// In digits; `nil` for those of resolv.conf.
    package var servers: [NetworkAddress]?
    package var search: [String]?
    package var timeout: Duration?
    package var attempts: Int?

    package static let defaults = ResolverConfiguration(servers: nil, search: nil, timeout: nil, attempts: nil)
    /// A question to one server: its answer is not waited for any longer.
    package static let timeoutMax = Duration.seconds(30)
    package static let attemptsMax = 5
}
