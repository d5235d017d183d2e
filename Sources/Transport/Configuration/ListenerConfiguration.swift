package import Config
package import GRPC
internal import HTTPModel

/// One entry of `listeners`: where callers connect, how they prove who they are, and what they may cost.
package struct ListenerConfiguration: Sendable, Equatable {
    /// For logs and metrics; the address as written where it is left out.
    package var name: Located<String>
    package var address: Located<NetworkAddress>
    /// `nil` for cleartext HTTP/2 with prior knowledge.
    package var tls: ListenerTLS?
    package var limits: ListenerLimits
    /// The protocols that calls may use; `nil` for all.
    package var protocols: Located<ClientProtocols>?
    /// Headers that only trusted peers may set, besides those that are known to be such.
    package var trustedHeaders: [String]

    package init(
        name: Located<String>, address: Located<NetworkAddress>, tls: ListenerTLS? = nil, limits: ListenerLimits = .defaults,
        protocols: Located<ClientProtocols>? = nil, trustedHeaders: [String] = []
    ) {
        self.name = name
        self.address = address
        self.tls = tls
        self.limits = limits
        self.protocols = protocols
        self.trustedHeaders = trustedHeaders
    }
}

extension Grammar where Value == ListenerConfiguration {
    package static var listener: Grammar {
        .section(expected: "a mapping with address") { section in
            let name = section.optional("name", .located(.name))
            let address = section.required("address", .located(.listenAddress))
            let tls = section.optional("tls", .listenerTLS)
            let limits = section.value("limits", .listenerLimits, default: .defaults)
            let protocols = section.optional("protocols", .located(.callerProtocols))
            let trustedHeaders = section.value("trusted_headers", .list(of: .trustedHeader, isEmptyAllowed: true), default: [])
            // A wrong address has been reported; what else the listener names is still looked at.
            let place = address ?? Located(.ip("0.0.0.0", port: 0), at: section.place)
            return ListenerConfiguration(
                name: name ?? Located(place.value.description, at: place.place), address: place, tls: tls, limits: limits,
                protocols: protocols, trustedHeaders: trustedHeaders)
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
    /// At least one, no two with one name or one address; port 0 is a new port each time.
    package static var listeners: Grammar {
        Grammar(expected: "a list of listeners, each a mapping with address") { node, reader, expected in
            let list = Grammar.list(of: .listener).expecting(expected)
            guard let listeners = list.read(node, reader) else { return nil }
            var names: Set<String> = []
            var addresses: Set<NetworkAddress> = []
            for listener in listeners {
                let address = listener.address
                if address.value.port != 0, !addresses.insert(address.value).inserted {
                    reader.report(
                        "found \(Quoted.text(address.value.description)), which another listener has, "
                            + "expected an address of its own",
                        at: address.place)
                } else if !names.insert(listener.name.value).inserted, listener.name.place != address.place {
                    reader.report(
                        "found \(Quoted.text(listener.name.value)), which another listener has, expected a name of its own",
                        at: listener.name.place)
                }
            }
            return listeners
        }
    }
}

extension Grammar where Value == ClientProtocols {
    /// What callers may speak; all that are left out they may not.
    package static var callerProtocols: Grammar {
        Grammar<[ClientProtocols.Name]>.list(of: .choice).map { ClientProtocols($0) }
    }
}
