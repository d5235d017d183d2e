package import Config
internal import DNS
internal import GatewayModel
package import Net
internal import Reactor
internal import Sockets
internal import Transport

/// Whom to ask for names: as the system's files say, and the configuration says otherwise.
package enum NameFiles {
    static func source(
        _ configuration: ResolverConfiguration = .defaults, readFile: (String) -> Result<[UInt8], FileFailure>
    ) -> NameSource {
        func text(_ path: String) -> String {
            guard case .success(let bytes) = readFile(path) else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        var settings = ResolverSettings(resolvConf: text("/etc/resolv.conf"))
        if let servers = configuration.servers { settings.servers = servers.compactMap { SocketAddress($0) } }
        if let search = configuration.search { settings.search = search.compactMap { DomainName($0) } }
        if let timeout = configuration.timeout { settings.timeout = timeout }
        if let attempts = configuration.attempts { settings.attempts = attempts }
        return NameSource(settings: settings, hosts: HostTable(text("/etc/hosts")))
    }

    /// Looks a name up on the calling thread, which waits: for commands that have nothing else to do. What DNS does not know is
    /// asked of the system, which may have other sources (nsswitch.conf(5)).
    package static func addresses(
        of name: String, readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) -> [SocketAddress] {
        guard let loop = try? EventLoop() else { return SystemResolver.resolveNow(name) }
        let context = WorkerContext(index: -1, loop: loop)
        let resolver = NameResolver(on: loop, scratch: context.scratch) { source(readFile: readFile) }
        var answer: LookupAnswer?
        // What is told early will do.
        resolver.look(up: .host(name)) { answer = answer ?? $0 }
        while answer == nil { loop.tick(wait: true) }
        switch answer?.resolution {
        case .addresses(let addresses, _, _): return addresses
        case .failed: return []
        case .unknown, .services, nil: return SystemResolver.resolveNow(name)
        }
    }
}
