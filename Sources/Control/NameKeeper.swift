internal import Gateway
internal import Reactor
internal import Sockets

/// Keeps what the host names of a configuration stand for: looked up again every thirty seconds, the last good answer kept.
final class NameKeeper {
    private static let period = Duration.seconds(30)

    /// Called when an answer differs from the one before.
    var changed: ((ResolvedNames) -> Void)?
    private var names: Set<String> = []
    private var resolved = ResolvedNames()
    private let loop: EventLoop
    private let resolver: any HostResolver
    private var timer: Timer?

    init(_ names: Set<String>, resolver: any HostResolver, loop: EventLoop) {
        self.loop = loop
        self.resolver = resolver
        self.names = names
    }

    deinit {
        // While the loop still lives.
        timer = nil
    }

    /// Of clusters and of the limit store.
    static func names(in snapshot: Snapshot) -> Set<String> {
        var endpoints = snapshot.clusters.flatMap(\.endpoints).map(\.address)
        switch snapshot.store.location {
        case .memory: break
        case .redis(let redis): endpoints.append(redis.endpoint)
        case .service(let endpoint, _, _): endpoints.append(endpoint)
        }
        return Set(
            endpoints.compactMap { endpoint in
                if case .name(let name, _) = endpoint { name } else { nil }
            })
    }

    /// Before anything is served: `lookUp` waits for the answers.
    func resolveNow(_ lookUp: (String) -> [SocketAddress]) -> ResolvedNames {
        for name in names { resolved.addresses[name] = lookUp(name) }
        begin()
        return resolved
    }

    /// Other names from now on; those that are not among them any more are forgotten.
    func keep(_ names: Set<String>) {
        self.names = names
        resolved.addresses = resolved.addresses.filter { names.contains($0.key) }
        begin()
        ask()
    }

    private func begin() {
        guard !names.isEmpty, timer == nil else { return }
        timer = Timer(on: loop) { [unowned self] in
            ask()
            timer?.arm(after: Self.period)
        }
        timer?.arm(after: Self.period)
    }

    private func ask() {
        for name in names {
            resolver.resolve(name) { [weak self] addresses in
                // Nobody answered, or the name is gone for the moment: what was good a moment ago is the better guess.
                guard let self, !addresses.isEmpty, names.contains(name) else { return }
                guard Set(addresses) != Set(resolved.addresses[name] ?? []) else { return }
                resolved.addresses[name] = addresses
                changed?(resolved)
            }
        }
    }
}
