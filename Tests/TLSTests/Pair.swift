import Bytes
import TLSTesting
import Time

@testable import TLS

/// A client's and a server's session with a wire in memory between them that delivers `step` bytes at a time.
final class Pair {
    let client: End
    let server: End
    var step: Int

    init(_ server: ServerContext, _ client: ClientContext, name: String = "a.test", step: Int = .max) {
        self.client = End(client.makeSession(to: ServerName(name)!))
        self.server = End(server.makeSession())
        self.step = step
    }

    /// One side: its session, what it has sent and not yet been taken, and what it has read.
    final class End {
        let session: Session
        var output = ByteBuffer()
        var received: [UInt8] = []
        var isClosed = false
        var failure: SessionFailure?
        var chunkBytes = 4096

        init(_ session: consuming Session) { self.session = session }

        /// Gives `bytes` to the session: the handshake first, then data; returns what was left over.
        func take(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { all in
                var rest = all
                do throws(SessionFailure) {
                    if try session.handshake(&rest, into: &output) { try readAll(&rest) }
                } catch { failure = error }
            }
        }

        private func readAll(_ rest: inout UnsafeRawBufferPointer) throws(SessionFailure) {
            while !isClosed {
                var chunk = [UInt8](repeating: 0, count: chunkBytes)
                let result: Result<Session.ReadResult, SessionFailure> = chunk.withUnsafeMutableBytes { target in
                    do throws(SessionFailure) {
                        return .success(try session.read(&rest, plaintext: target, into: &output))
                    } catch { return .failure(error) }
                }
                let read = try result.get()
                received += chunk[..<read.count]
                switch read.next {
                case .readAgain: continue
                case .needsCiphertext: return
                case .closed: isClosed = true
                }
            }
        }

        func write(_ bytes: [UInt8]) throws(SessionFailure) {
            let problem: SessionFailure? = bytes.withUnsafeBytes { source in
                do throws(SessionFailure) {
                    try session.write(source, into: &output)
                    return nil
                } catch { return error }
            }
            if let problem { throw problem }
        }

        func close() { session.close(into: &output) }
        func connectionEnded() throws(SessionFailure) { try session.connectionEnded() }

        var isEstablished: Bool { session.isEstablished }
        var isResumed: Bool { session.isResumed }
        var version: ProtocolVersion? { session.version }
        var applicationProtocol: ApplicationProtocol? { session.applicationProtocol }
        var serverName: String? { session.serverName }
        var cipher: String { session.cipher }
        var peerCertificate: CertificateInfo? { session.peerCertificate }

        func takeOutput(_ limit: Int = .max) -> [UInt8] {
            let bytes = Array(output.readable.prefix(limit))
            output.consume(bytes.count)
            return bytes
        }
    }

    /// Carries bytes both ways until neither side has any.
    @discardableResult
    func exchange() -> Pair {
        if !client.isEstablished, client.failure == nil { client.take([]) }
        while !client.output.isEmpty || !server.output.isEmpty {
            if !client.output.isEmpty { server.take(client.takeOutput(step)) }
            if !server.output.isEmpty { client.take(server.takeOutput(step)) }
        }
        return self
    }

    var isEstablished: Bool { client.isEstablished && server.isEstablished }
}

/// One authority, and contexts made from it, for a test to bend.
struct World {
    let authority = TestAuthority("Test Root")

    func identity(_ subject: String = "a.test", names: String = "DNS:a.test") throws -> Identity {
        let issued = authority.issue(subject, names: names)
        return try Identity(chain: issued.certificate, key: issued.key)
    }

    func authorities() throws -> CertificateAuthorities { try CertificateAuthorities(pem: authority.pem) }

    func server(
        _ identities: [Identity]? = nil, keys: TicketKeys = TicketKeys(now: .init(nanoseconds: 0)),
        _ bend: (inout ServerSettings) throws -> Void = { _ in }
    ) throws -> ServerContext {
        var settings = ServerSettings(listenerName: "public", identities: try identities ?? [identity()])
        try bend(&settings)
        return try ServerContext(settings, ticketKeys: keys)
    }

    func client(_ bend: (inout ClientSettings) throws -> Void = { _ in }) throws -> ClientContext {
        var settings = ClientSettings(authorities: try authorities())
        try bend(&settings)
        return try ClientContext(settings)
    }
}
