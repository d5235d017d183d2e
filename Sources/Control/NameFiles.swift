internal import Config
internal import DNS
internal import Gateway
internal import Sockets
internal import Transport

/// Whom to ask for names: as the system's files say, and the configuration says otherwise.
enum NameFiles {
    static func source(
        _ configuration: ResolverConfiguration, readFile: (String) -> Result<[UInt8], FileFailure>
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
}
