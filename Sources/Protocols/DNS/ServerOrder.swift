package import Net
package import Time

/// In which order servers are asked: as they are written, but those that were silent lately come last, so that a dead first
/// server costs its time once and not for every question. Pure.
package struct ServerOrder {
    /// How long a silent server comes last.
    package static let penalty = Duration.seconds(30)
    private var silentAt: [SocketAddress: Instant] = [:]

    package init() {}

    package mutating func silent(_ server: SocketAddress, now: Instant) { silentAt[server] = now }

    package mutating func answered(_ server: SocketAddress) { silentAt[server] = nil }

    package func order(_ servers: [SocketAddress], now: Instant) -> [SocketAddress] {
        guard !silentAt.isEmpty else { return servers }
        func isSilent(_ server: SocketAddress) -> Bool { silentAt[server].map { now < $0 + Self.penalty } ?? false }
        return servers.filter { !isSilent($0) } + servers.filter(isSilent)
    }
}
