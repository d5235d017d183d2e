package import Config
package import GRPC
internal import HTTPModel

/// One entry of `listeners`: where callers connect, how they prove who they are, and what they may cost.
package struct ListenerConfiguration: Sendable, Equatable {
    /// For logs and metrics; the address as written where it is left out.
    package var name: String
    package var address: NetworkAddress
    /// `nil` for cleartext HTTP/2 with prior knowledge.
    package var tls: ListenerTLS?
    package var limits: ListenerLimits
    /// The protocols that calls may use; `nil` for all.
    package var protocols: ClientProtocols?
    /// Headers that only trusted peers may set, besides those that are known to be such.
    package var trustedHeaders: [String]
    package var paths: Paths
    package var forwarded: ForwardedHeaders

    /// What becomes of paths that servers read differently.
    package enum Paths: String, CaseIterable, Sendable {
        case strict
        /// Empty segments and needless escapes of plain HTTP are taken out; the rest is refused.
        case normalize
    }

    package init(
        name: String, address: NetworkAddress, tls: ListenerTLS? = nil, limits: ListenerLimits = .defaults,
        protocols: ClientProtocols? = nil, trustedHeaders: [String] = [], paths: Paths = .strict,
        forwarded: ForwardedHeaders = []
    ) {
        self.name = name
        self.address = address
        self.tls = tls
        self.limits = limits
        self.protocols = protocols
        self.trustedHeaders = trustedHeaders
        self.paths = paths
        self.forwarded = forwarded
    }
}

extension Grammar where Value == ListenerConfiguration {
    package static var listener: Grammar {
        .section(expected: "a mapping with address") { section in
            let name = section.optional("name", .name)
            let address = section.required("address", .listenAddress)
            let tls = section.optional("tls", .listenerTLS)
            let limits = section.value("limits", .listenerLimits, default: .defaults)
            let protocols = section.optional("protocols", .callerProtocols)
            let trustedHeaders = section.value("trusted_headers", .list(of: .trustedHeader, isEmptyAllowed: true), default: [])
            let paths = section.value("paths", .choice, default: ListenerConfiguration.Paths.strict)
            if paths == .normalize, let protocols, !protocols.contains(.http) {
                section.report(
                    "found beside protocols without rest, whose paths are never normalized", about: "paths", severity: .warning)
            }
            let forwarded = section.value("forwarded", .forwardedHeaders, default: [])
            // A wrong address has been reported; what else the listener names is still looked at.
            let known = address ?? .ip("0.0.0.0", port: 0)
            return ListenerConfiguration(
                name: name ?? known.description, address: known, tls: tls, limits: limits,
                protocols: protocols, trustedHeaders: trustedHeaders, paths: paths, forwarded: forwarded)
        }
    }
}

extension Grammar where Value == String {
    /// A name that means nothing to the gateway itself: what it reads or writes has its own rules.
    fileprivate static var trustedHeader: Grammar {
        Grammar(expected: "a header's name that the gateway does not use itself, such as x-user") { text in
            var name = text.lowercased()
            let isFree = name.withUTF8 { bytes in
                let name = UnsafeRawBufferPointer(bytes)
                return !name.isEmpty && name.allSatisfy { HTTPGrammar.isToken($0) } && FieldToken(name) == .other
                    && !FieldNameSet.isLookAlike(name)
            }
            return isFree && !name.hasPrefix("grpc-") && !name.hasPrefix("connect-") ? .value(name) : .mismatch
        }
    }
}

extension Grammar where Value == [ListenerConfiguration] {
    /// At least one.
    package static var listeners: Grammar {
        Grammar.list(of: .listener).expecting("a list of listeners, each a mapping with address")
    }
}

extension ListenerConfiguration {
    /// No two have one name or one address, and none has admin's; port 0 is a new port each time.
    package static func check(_ listeners: [ListenerConfiguration], admin: NetworkAddress, _ findings: Findings) {
        var names: Set<String> = []
        var addresses: Set<NetworkAddress> = []
        for (index, listener) in listeners.enumerated() {
            let path = ConfigurationPath.listener(index)
            let address = listener.address
            if address.port != 0, !addresses.insert(address).inserted {
                findings.report(
                    "found \(Quoted.text(address.description)), which another listener has, expected an address of its own",
                    at: path["address"])
            } else if !names.insert(listener.name).inserted, listener.name != address.description {
                findings.report(
                    "found \(Quoted.text(listener.name)), which another listener has, expected a name of its own",
                    at: path["name"])
            }
            guard admin.port != 0, address == admin else { continue }
            findings.report(
                "found \(Quoted.text(admin.description)), which admin has, expected an address of its own", at: path["address"])
        }
    }
}

extension ConfigurationPath {
    package static func listener(_ index: Int) -> ConfigurationPath { ConfigurationPath("listeners")[index] }
}

extension Grammar where Value == ClientProtocols {
    /// What callers may speak; all that are left out they may not.
    package static var callerProtocols: Grammar {
        Grammar<[ClientProtocols.Name]>.list(of: .choice).map { ClientProtocols($0) }
    }
}
