package import Config
internal import GRPC
internal import HTTPModel
package import Net
package import TLS

/// A listener made ready: where, how secured, and what it allows.
package struct ListenerPlan: Sendable {
    package var name: String
    package var address: SocketAddress
    package var tls: ServerContext?
    package var settings: HTTPServerSettings
}

extension FileOpener {
    /// Makes listeners ready; one is left out where something about it is a mistake, which has been reported.
    ///
    /// - Parameter protocols: what is spoken there, in our order of preference.
    package mutating func listenerPlans(
        _ listeners: [ListenerConfiguration], speaking protocols: [ApplicationProtocol], ticketKeys: TicketKeys
    ) -> [ListenerPlan] {
        listeners.enumerated().compactMap { index, listener in
            listenerPlan(listener, at: .listener(index), speaking: protocols, ticketKeys)
        }
    }

    private mutating func listenerPlan(
        _ listener: ListenerConfiguration, at path: ConfigurationPath, speaking protocols: [ApplicationProtocol],
        _ ticketKeys: TicketKeys
    ) -> ListenerPlan? {
        guard let address = SocketAddress(listener.address) else { return nil }
        var context: ServerContext?
        if let tls = listener.tls {
            context = serverContext(tls, of: listener, at: path, speaking: protocols, ticketKeys)
            if context == nil { return nil }
        }
        var settings = HTTPServerSettings(listener.limits)
        settings.protocols = protocols
        settings.allowedProtocols = listener.protocols
        if !listener.trustedHeaders.isEmpty { settings.trustedHeaders = .proxies.adding(listener.trustedHeaders) }
        settings.normalizesPaths = listener.paths == .normalize
        settings.forwarded = listener.forwarded
        settings.age = listener.limits.age
        settings.ageGrace = listener.limits.ageGrace
        return ListenerPlan(name: listener.name, address: address, tls: context, settings: settings)
    }

    private mutating func serverContext(
        _ tls: ListenerTLS, of listener: ListenerConfiguration, at path: ConfigurationPath,
        speaking protocols: [ApplicationProtocol], _ ticketKeys: TicketKeys
    ) -> ServerContext? {
        let several = path["tls"]["certificates"]
        let isOne = tls.certificates.count == 1 && !places.isWritten(several)
        let identities = tls.certificates.enumerated().map { identity($1, at: isOne ? path["tls"] : several[$0]) }
        var policy: ClientCertificatePolicy?
        if let ca = tls.clientCA {
            guard let authorities = authorities(ca, at: path["tls"]["client_ca"]) else { return nil }
            policy = ClientCertificatePolicy(
                authorities: authorities, presence: tls.clientCertificate == .required ? .required : .optional)
        }
        let usable = identities.compactMap { $0 }
        guard usable.count == identities.count else { return nil }
        var settings = ServerSettings(listenerName: listener.name, identities: usable)
        settings.minimumVersion = tls.minimum == .tls13 ? .tls13 : .tls12
        settings.clientCertificates = policy
        settings.applicationProtocols = protocols
        do throws(ContextMistake) {
            return try ServerContext(settings, ticketKeys: ticketKeys)
        } catch {
            report(error.description, at: places.isWritten(path["name"]) ? path["name"] : path["address"])
            return nil
        }
    }
}

extension SocketAddress {
    /// `nil` for a name, which is looked up elsewhere.
    package init?(_ address: NetworkAddress) {
        switch address {
        case .ip(let text, let port): self.init(host: text, port: port)
        case .unix(let path): self = .unix(path)
        case .name: return nil
        }
    }
}

extension HTTPServerSettings {
    init(_ limits: ListenerLimits) {
        self.init(
            session: ConnectionLimits(
                streams: UInt32(limits.streams), fieldCount: limits.headers, fieldListBytes: limits.headerBytes,
                streamWindowBytes: ConnectionLimits.defaults.streamWindowBytes,
                connectionWindowBytes: ConnectionLimits.defaults.connectionWindowBytes,
                resetBurst: UInt64(limits.resets.burst), resetsPerSecond: UInt64(limits.resets.perSecond),
                settingsPerSecond: limits.settings, emptyFramesPerSecond: limits.emptyFrames,
                controlFramesPerFrameSent: limits.controlFrames),
            connections: limits.connections, handshake: limits.handshake, idle: limits.idle,
            streamIdle: limits.streamIdle, stall: limits.stall, bodyBytesMax: limits.bodyBytes)
    }
}
