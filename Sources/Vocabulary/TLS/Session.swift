package import Bytes
internal import COpenSSL

/// One connection's TLS, server's or client's side: ciphertext in and plaintext out, and the way back.
///
///     handshaking ──handshake() = true──▶ open ──close()──▶ we are silent; still reading
///          │                               └── read() = .closed ──▶ the peer is silent; still writing
///          └──────── any call throws ──────────▶ failed: flush the output, then close the connection
///
/// Nothing is kept of what a call was given: ciphertext is consumed from the front of `ciphertext`, and every byte for
/// the peer, alerts too, is at the end of `output` when the call returns or throws. So there is no "wants to write": the
/// owner flushes `output` when it is not empty, and must stop giving ciphertext while it grows too long, because a
/// peer may make us answer (key updates) without reading. Owned by one thread.
package struct Session: ~Copyable {
    let ssl: OpaquePointer
    private let wire: UnsafeMutablePointer<Wire>
    /// What OpenSSL's callbacks look for.
    private let context: AnyObject
    package let isServer: Bool

    init(context: AnyObject, handle: OpaquePointer, isServer: Bool) {
        self.context = context
        self.isServer = isServer
        // Fails only for want of memory.
        ssl = SSL_new(handle)!
        wire = .allocate(capacity: 1)
        wire.initialize(to: Wire())
        let bio = Wire.makeBIO(wire)
        SSL_set_bio(ssl, bio, bio)
        if isServer { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
    }

    deinit {
        // A connection that ends without close_notify does not make its session unfit to resume (RFC 5246, 7.2.1).
        if wire.pointee.failure == nil, wire.pointee.isEstablished {
            SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        }
        SSL_free(ssl)
        wire.deinitialize(count: 1)
        wire.deallocate()
    }

    package var isEstablished: Bool { wire.pointee.isEstablished }

    /// Takes the handshake as far as `ciphertext` reaches; true once it is done. Call it on a client's session with no
    /// ciphertext to begin.
    ///
    /// When it says true, call `read` at once, even if no ciphertext is left: the first data may have come with the
    /// handshake's last bytes and wait inside.
    package borrowing func handshake(
        _ ciphertext: inout UnsafeRawBufferPointer, into output: inout ByteBuffer
    ) throws(SessionFailure) -> Bool {
        if let failure = wire.pointee.failure { throw failure }
        if wire.pointee.isEstablished { return true }
        ErrorQueue.clear()
        let code = withWire(&ciphertext, &output) { SSL_do_handshake(ssl) }
        if code == 1 {
            if let client = context as? ClientContext {
                if let failure = disagreement(with: client.applicationProtocols) { throw fail(failure) }
                client.keepRenewedTicket(ssl, for: wire.pointee.peerName)
            }
            wire.pointee.isEstablished = true
            wire.pointee.noiseCount = 0
            return true
        }
        if SSL_get_error(ssl, code) == SSL_ERROR_WANT_READ { return false }
        throw fail(explain(code))
    }

    /// What a `read` brought, and what to do next.
    package struct ReadResult: Hashable {
        package enum Next: Hashable {
            /// `plaintext` is full: empty it and read again with what is left of the ciphertext, even if that is
            /// nothing. More may wait inside, and no new ciphertext would announce it.
            case readAgain
            /// Nothing more before the next ciphertext.
            case needsCiphertext
            /// The peer said close_notify: no more will come. What may follow on the connection is not the peer's.
            case closed
        }

        package let count: Int
        package let next: Next
    }

    /// Fills `plaintext` from `ciphertext`.
    ///
    /// A failure behind good data is thrown by the next call. Never before the handshake is done.
    package borrowing func read(
        _ ciphertext: inout UnsafeRawBufferPointer, plaintext: UnsafeMutableRawBufferPointer, into output: inout ByteBuffer
    ) throws(SessionFailure) -> ReadResult {
        if let failure = wire.pointee.failure { throw failure }
        precondition(wire.pointee.isEstablished, "read before the handshake was done")
        precondition(!plaintext.isEmpty, "read into nothing")
        ErrorQueue.clear()
        var count = 0
        let code = withWire(&ciphertext, &output) { () -> Int32 in
            while count < plaintext.count {
                var more = 0
                let code = SSL_read_ex(ssl, plaintext.baseAddress! + count, plaintext.count - count, &more)
                guard code == 1 else { return code }
                count += more
                wire.pointee.noiseCount = 0
                // Saves OpenSSL the attempt that ends in "want read".
                if wire.pointee.inputCount == 0, SSL_has_pending(ssl) == 0 { break }
            }
            return 1
        }
        if code == 1 {
            return ReadResult(count: count, next: count == plaintext.count ? .readAgain : .needsCiphertext)
        }
        switch SSL_get_error(ssl, code) {
        case SSL_ERROR_WANT_READ where wire.pointee.noiseCount <= Wire.noiseCountMax:
            return ReadResult(count: count, next: .needsCiphertext)
        case SSL_ERROR_ZERO_RETURN:
            return ReadResult(count: count, next: .closed)
        default:
            let failure = fail(explain(code))
            if count == 0 { throw failure }
            return ReadResult(count: count, next: .readAgain)
        }
    }

    /// Encrypts all of `plaintext` into `output`, in records of up to 16 KiB. Never before the handshake is done nor
    /// after `close`.
    package borrowing func write(
        _ plaintext: UnsafeRawBufferPointer, into output: inout ByteBuffer
    ) throws(SessionFailure) {
        if let failure = wire.pointee.failure { throw failure }
        precondition(wire.pointee.isEstablished, "write before the handshake was done")
        guard !plaintext.isEmpty else { return }
        ErrorQueue.clear()
        // One growth for all the records.
        let records = (plaintext.count + Self.recordBytesMax - 1) / Self.recordBytesMax
        _ = output.writable(atLeast: plaintext.count + records * Self.recordOverheadBytesMax)
        renewKeyIfWorn(records)
        var written = 0
        var none = UnsafeRawBufferPointer(start: nil, count: 0)
        let code = withWire(&none, &output) { SSL_write_ex(ssl, plaintext.baseAddress, plaintext.count, &written) }
        // Our BIO takes everything and nothing renegotiates, so it never wants anything.
        if code != 1 { throw fail(explain(code)) }
        wire.pointee.noiseCount = 0
    }

    /// OpenSSL never changes its key by itself, and a connection may live for months. TLS 1.2 has no way to.
    private borrowing func renewKeyIfWorn(_ records: Int) {
        wire.pointee.recordCount += records
        guard wire.pointee.recordCount > wire.pointee.recordsPerKeyMax else { return }
        wire.pointee.recordCount = records
        // The message goes out in front of the data. Refused before TLS 1.3.
        if SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 { ErrorQueue.clear() }
    }

    /// RFC 8446, section 5.1.
    private static let recordBytesMax = 16_384
    /// Header, explicit nonce (TLS 1.2) or content type (1.3), and tag.
    private static let recordOverheadBytesMax = 5 + 8 + 16

    /// Says close_notify, once; nothing before the handshake is done, nor after a failure.
    package borrowing func close(into output: inout ByteBuffer) {
        guard wire.pointee.isEstablished, wire.pointee.failure == nil, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0
        else { return }
        ErrorQueue.clear()
        var none = UnsafeRawBufferPointer(start: nil, count: 0)
        // 0 (sent, the peer's has not come) or 1 (both); what the peer says next is for `read`.
        _ = withWire(&none, &output) { SSL_shutdown(ssl) }
        ErrorQueue.clear()
    }

    /// The connection below has ended: fails unless the peer had said close_notify.
    package borrowing func connectionEnded() throws(SessionFailure) {
        if let failure = wire.pointee.failure { throw failure }
        if SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN == 0 {
            throw fail(SessionFailure(kind: .truncated, reason: "unexpected end"))
        }
    }

    // MARK: Inside

    /// Joins both ends of the wire for one call of OpenSSL.
    @inline(__always)
    private borrowing func withWire(
        _ ciphertext: inout UnsafeRawBufferPointer, _ output: inout ByteBuffer, _ body: () -> Int32
    ) -> Int32 {
        let all = ciphertext
        wire.pointee.input = all.baseAddress
        wire.pointee.inputCount = all.count
        let code = withUnsafeMutablePointer(to: &output) { output in
            wire.pointee.output = output
            defer { wire.pointee.output = nil }
            return body()
        }
        ciphertext = UnsafeRawBufferPointer(rebasing: all[(all.count - wire.pointee.inputCount)...])
        wire.pointee.input = nil
        wire.pointee.inputCount = 0
        return code
    }

    private borrowing func fail(_ failure: SessionFailure) -> SessionFailure {
        wire.pointee.failure = failure
        return failure
    }

    /// A client's check of what the server selected; OpenSSL leaves it to us.
    private borrowing func disagreement(with offered: [ApplicationProtocol]) -> SessionFailure? {
        let selected = selectedProtocolBytes
        let agreed =
            selected.isEmpty ? !offered.demandsAgreement : ApplicationProtocol(wire: selected).map(offered.contains) ?? false
        return agreed ? nil : SessionFailure(kind: .applicationProtocol, reason: "no application protocol")
    }

    private borrowing func explain(_ code: Int32) -> SessionFailure {
        let error = SSL_get_error(ssl, code)
        let entry = ErrorQueue.drain()
        return SessionFailure(error: error, entry: entry, wire: wire.pointee, verification: SSL_get_verify_result(ssl))
    }
}
