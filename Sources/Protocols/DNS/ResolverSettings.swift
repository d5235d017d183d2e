internal import Bytes
package import Net

/// Whom to ask, and how long to wait.
package struct ResolverSettings: Equatable, Sendable {
    /// Asked in this order.
    package var servers: [SocketAddress]
    /// What is tried behind a name that is not complete.
    package var search: [DomainName]
    /// A name with as many dots is tried as it is first.
    package var dots: Int
    /// For each question to each server.
    package var timeout: Duration
    /// How often all servers are asked.
    package var attempts: Int

    /// As resolv.conf(5) has them, where it says nothing.
    package static let defaults = ResolverSettings(
        servers: [.ipv4(0x7f00_0001, port: 53)], search: [], dots: 1, timeout: .seconds(5), attempts: 2)

    /// As in resolv.conf(5).
    package static let serversMax = 3

    package init(servers: [SocketAddress], search: [DomainName], dots: Int, timeout: Duration, attempts: Int) {
        self.servers = servers
        self.search = search
        self.dots = dots
        self.timeout = timeout
        self.attempts = attempts
    }

    /// Reads /etc/resolv.conf: `nameserver`, `domain`, `search`, and the options `ndots`, `timeout` and `attempts`.
    ///
    /// What is unknown or malformed there is passed over, as every resolver does.
    package init(resolvConf text: String) {
        self = .defaults
        var servers: [SocketAddress] = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard line.first != "#", line.first != ";" else { continue }
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let key = words.first else { continue }
            let values = words.dropFirst()
            switch key {
            case "nameserver":
                guard let server = values.first.flatMap({ SocketAddress(host: String($0), port: 53) }) else { continue }
                if servers.count < Self.serversMax { servers.append(server) }
            // The last one counts.
            case "domain", "search": search = values.compactMap { DomainName(String($0)) }.filter { $0 != .root }
            case "options": for option in values { take(option) }
            default: continue
            }
        }
        if !servers.isEmpty { self.servers = servers }
    }

    private mutating func take(_ option: Substring) {
        let parts = option.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let number = Untrusted<Int>(decimal: parts[1].utf8) else { return }
        switch parts[0] {
        case "ndots": dots = number.clamped(to: 0...15)
        case "timeout": timeout = .seconds(number.clamped(to: 1...30))
        case "attempts": attempts = number.clamped(to: 1...5)
        default: return
        }
    }
}
