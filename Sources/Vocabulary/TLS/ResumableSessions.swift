internal import COpenSSL

/// A client context's sessions to resume, by server name. Used by all threads, once a handshake.
final class ResumableSessions: Sendable {
    /// A counted reference to an SSL_SESSION, which never changes once it can be resumed.
    private struct Reference: @unchecked Sendable { let pointer: OpaquePointer }

    static let namesMax = 256
    static let sessionsPerNameMax = 4

    private let byName = Locked<[String: [Reference]]>([:])

    deinit {
        byName.withLock { $0.values.joined().forEach { SSL_SESSION_free($0.pointer) } }
    }

    /// Takes over the caller's reference. The oldest of a name gives way; one that is there already, or
    /// of a name too many, is not remembered.
    func keep(_ session: OpaquePointer, for name: String) {
        let session = Reference(pointer: session)
        let surplus = byName.withLock { byName -> Reference? in
            guard byName[name] != nil || byName.count < Self.namesMax,
                byName[name]?.contains(where: { $0.pointer == session.pointer }) != true
            else { return session }
            byName[name, default: []].append(session)
            guard byName[name, default: []].count > Self.sessionsPerNameMax else { return nil }
            return byName[name]?.removeFirst()
        }
        if let surplus { SSL_SESSION_free(surplus.pointer) }
    }

    /// The newest session with `name`, to be freed by the caller. A TLS 1.3 ticket is given out once, so that no observer on
    /// the way can tell two connections to be of one client (RFC 8446, appendix C.4); an older one again and again.
    func take(for name: String) -> OpaquePointer? {
        byName.withLock { byName -> Reference? in
            guard let newest = byName[name]?.last else { return nil }
            if SSL_SESSION_get_protocol_version(newest.pointer) == ProtocolVersion.tls13.rawValue {
                byName[name]?.removeLast()
                if byName[name]?.isEmpty == true { byName[name] = nil }
            } else {
                SSL_SESSION_up_ref(newest.pointer)
            }
            return newest
        }?.pointer
    }
}
