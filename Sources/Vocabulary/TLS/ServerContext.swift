internal import COpenSSL

/// What a listener needs to know to speak TLS.
package struct ServerSettings: Sendable {
    /// Part of what a ticket is bound to.
    package var listenerName: String
    /// Chosen by SNI; the first is the default.
    package var identities: [Identity]
    package var minimumVersion: ProtocolVersion = .tls12
    /// In our order of preference. Without `.http1`, a client that offers no ALPN is turned away.
    package var applicationProtocols: [ApplicationProtocol] = [.http2]
    /// `nil` asks for no certificate.
    package var clientCertificates: ClientCertificatePolicy?
    /// Tickets sent after a full TLS 1.3 handshake.
    package var ticketCount = 1

    package init(listenerName: String, identities: [Identity]) {
        self.listenerName = listenerName
        self.identities = identities
    }
}

package struct ClientCertificatePolicy: Sendable {
    package enum Presence: Sendable, Hashable { case optional, required }

    package var authorities: CertificateAuthorities
    package var presence: Presence
    /// Issuers allowed between a client's certificate and an authority.
    package var depthMax = 4

    package init(authorities: CertificateAuthorities, presence: Presence) {
        self.authorities = authorities
        self.presence = presence
    }
}

/// A listener's side of TLS, built once and never changed: all workers make their sessions from it.
///
/// A changed certificate is a new context. Sessions keep theirs to their end.
package final class ServerContext: @unchecked Sendable {
    /// One SSL_CTX for each identity, alike but for the certificate.
    private let handles: Handles
    private let choice: CertificateChoice
    private let ticketKeys: TicketKeys
    private let applicationProtocols: [ApplicationProtocol]
    package let identities: [Identity]
    /// What a ticket is bound to: a digest of listener name, certificates and client-certificate policy.
    package let sessionIDContext: [UInt8]

    package init(_ settings: ServerSettings, ticketKeys: TicketKeys) throws(ContextMistake) {
        guard !settings.identities.isEmpty else { throw .noIdentity }
        self.ticketKeys = ticketKeys
        identities = settings.identities
        choice = CertificateChoice(settings.identities.map(\.info))
        applicationProtocols = settings.applicationProtocols
        sessionIDContext = settings.sessionIDContext
        handles = Handles()
        for identity in settings.identities {
            let handle = try ContextHandle.make(server: true, minimumVersion: settings.minimumVersion)
            try identity.install(in: handle.pointer)
            configure(handle.pointer, settings)
            handles.append(handle)
        }
    }

    /// A new connection's session.
    package func makeSession() -> Session { Session(context: self, handle: handles.first, isServer: true) }

    private func configure(_ context: OpaquePointer, _ settings: ServerSettings) {
        // The context outlives its SSL_CTXs' callbacks: every session holds it.
        let this = Unmanaged.passUnretained(self).toOpaque()
        SSL_CTX_set_ex_data(context, 0, this)
        shim_ctx_prefer_server_ciphers(context)

        // Tickets only: nothing is kept here, and any worker opens them.
        shim_ctx_session_cache_off(context)
        SSL_CTX_set_timeout(context, Self.ticketSecondsMax)
        SSL_CTX_set_num_tickets(context, max(0, settings.ticketCount))
        SSL_CTX_set_session_id_context(context, sessionIDContext, UInt32(sessionIDContext.count))
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { ssl, name, iv, cipher, mac, isSealing in
            ServerContext.ticketKey(ssl, name, iv, cipher, mac, isSealing: isSealing == 1)
        }
        SSL_CTX_set_session_ticket_cb(
            context, nil, { _, session, _, _, status, _ in ServerContext.ticketOpened(session, status) }, nil)

        shim_ctx_set_server_name_callback(
            context, { ssl, _, context in ServerContext.from(context)?.serverName(ssl) ?? SSL_TLSEXT_ERR_NOACK }, this)
        if !applicationProtocols.isEmpty {
            SSL_CTX_set_alpn_select_cb(
                context,
                { _, selected, selectedCount, offered, offeredCount, context in
                    guard let context = ServerContext.from(context), let selected, let selectedCount,
                        let name = context.select(UnsafeBufferPointer(start: offered, count: Int(offeredCount)))
                    else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                    selected.pointee = name.baseAddress
                    selectedCount.pointee = UInt8(name.count)
                    return SSL_TLSEXT_ERR_OK
                }, this)
            if applicationProtocols.demandsAgreement {
                SSL_CTX_set_client_hello_cb(context, { ssl, alert, _ in ServerContext.demandALPN(ssl, alert) }, nil)
            }
        }
        if let policy = settings.clientCertificates { Self.ask(context, policy) }
    }

    /// OpenSSL's default, two hours, said aloud.
    private static let ticketSecondsMax = 7200

    private static func ask(_ context: OpaquePointer, _ policy: ClientCertificatePolicy) {
        let required = policy.presence == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nil)
        SSL_CTX_set_verify_depth(context, Int32(policy.depthMax))
        shim_ctx_set1_store(context, policy.authorities.store)
        for authority in policy.authorities.certificates { SSL_CTX_add_client_CA(context, authority) }
    }

    // MARK: OpenSSL's callbacks, on the thread of the session

    private static func from(_ argument: UnsafeMutableRawPointer?) -> ServerContext? {
        argument.map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
    }

    private func serverName(_ ssl: OpaquePointer?) -> Int32 {
        // An unknown name gets the default certificate, and the client judges it.
        guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), let index = choice.index(for: name)
        else { return SSL_TLSEXT_ERR_NOACK }
        if index != 0 { SSL_set_SSL_CTX(ssl, handles[index]) }
        return SSL_TLSEXT_ERR_OK
    }

    /// The first of our protocols that the client offers, as it lies in its list; OpenSSL has checked that lengths fit.
    private func select(_ offered: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        for wanted in applicationProtocols {
            var start = 0
            while start < offered.count {
                let end = start + 1 + Int(offered[start])
                let name = UnsafeBufferPointer(rebasing: offered[(start + 1)..<end])
                if name.elementsEqual(wanted.nameBytes) { return name }
                start = end
            }
        }
        return nil
    }

    /// The ALPN callback is not asked when a client offers nothing.
    private static func demandALPN(_ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?) -> Int32 {
        let extensionNumber = UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation)
        if SSL_client_hello_get0_ext(ssl, extensionNumber, nil, nil) == 1 { return SSL_CLIENT_HELLO_SUCCESS }
        alert?.pointee = Int32(Alert.noApplicationProtocol.rawValue)
        return SSL_CLIENT_HELLO_ERROR
    }

    private static func ticketKey(
        _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?, _ iv: UnsafeMutablePointer<UInt8>?,
        _ cipher: OpaquePointer?, _ mac: OpaquePointer?, isSealing: Bool
    ) -> Int32 {
        guard let context = from(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)), let name, let iv, let cipher, let mac
        else { return -1 }
        if isSealing { return context.ticketKeys.seal(name: name, iv: iv, cipher: cipher, mac: mac) }
        // A TLS 1.3 ticket is used once (RFC 8446, appendix C.4), so each resumption brings the next.
        let renewAlways = SSL_version(ssl) == ProtocolVersion.tls13.rawValue
        return context.ticketKeys.open(name: name, iv: iv, cipher: cipher, mac: mac, renewAlways: renewAlways)
    }

    /// A ticket must not make a client's certificate live longer than it says.
    private static func ticketOpened(_ session: OpaquePointer?, _ status: Int32) -> Int32 {
        let opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW
        guard opened else { return SSL_TICKET_RETURN_IGNORE_RENEW }
        if let certificate = SSL_SESSION_get0_peer(session), X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0 {
            return SSL_TICKET_RETURN_IGNORE_RENEW
        }
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
    }
}

/// The SSL_CTXs of one listener; frees them.
private final class Handles {
    private var pointers: [OpaquePointer] = []

    deinit { pointers.forEach { SSL_CTX_free($0) } }

    var first: OpaquePointer { pointers[0] }
    subscript(index: Int) -> OpaquePointer { pointers[index] }

    func append(_ handle: borrowing ContextHandle) {
        SSL_CTX_up_ref(handle.pointer)
        pointers.append(handle.pointer)
    }
}

extension ServerSettings {
    /// SHA-256 over everything that decides who may resume, each part behind its length.
    fileprivate var sessionIDContext: [UInt8] {
        var parts: [[UInt8]] = [Array("martlet tls 1".utf8), Array(listenerName.utf8), [UInt8(minimumVersion.rawValue & 0xff)]]
        for identity in identities { parts.append(identity.info.fingerprint) }
        if let policy = clientCertificates {
            parts.append([policy.presence == .required ? 2 : 1, UInt8(clamping: policy.depthMax)])
            for authority in policy.authorities.certificates { parts.append(CertificateInfo.fingerprint(of: authority)) }
        }
        // The number of identities keeps their fingerprints apart from the authorities'.
        var text: [UInt8] = [UInt8(clamping: identities.count)]
        for part in parts {
            withUnsafeBytes(of: UInt64(part.count).bigEndian) { text.append(contentsOf: $0) }
            text.append(contentsOf: part)
        }
        return [UInt8](unsafeUninitializedCapacity: 32) { target, count in
            // Fails only for want of memory.
            precondition(EVP_Digest(text, text.count, target.baseAddress, nil, EVP_sha256(), nil) == 1)
            count = 32
        }
    }
}
