internal import Bytes
internal import COpenSSL

/// What OpenSSL's callbacks of one session touch: where ciphertext comes from and goes to during the present call.
///
/// A BIO of our own reads straight from the caller's input and writes straight into the caller's output buffer, so
/// ciphertext is copied once each way: into and out of OpenSSL's record buffer. Outside a call both ends are `nil`.
struct Wire {
    var input: UnsafeRawPointer?
    var inputCount = 0
    var output: UnsafeMutablePointer<ByteBuffer>?

    var isEstablished = false
    var alertReceived: Alert?
    var alertSent: Alert?
    /// Handshake messages and alerts since the last piece of data, either way; a key update with our answer is 2.
    var noiseCount = 0
    /// Records sealed with the present key, and how many may be (RFC 8446, section 5.5, allows AES-GCM 2^24.5).
    var recordCount = 0
    var recordsPerKeyMax = 1 << 24
    var failure: SessionFailure?
    /// A client's key into the sessions to resume.
    var peerName = ""

    /// Room for some tickets and key updates at once; OpenSSL's own bound for empty records is 32 too.
    static let noiseCountMax = 32

    static func of(_ ssl: OpaquePointer?) -> UnsafeMutablePointer<Wire>? {
        BIO_get_data(SSL_get_rbio(ssl))?.assumingMemoryBound(to: Wire.self)
    }

    // MARK: BIO

    /// A BIO over `wire`, which must outlive it.
    static func makeBIO(_ wire: UnsafeMutablePointer<Wire>) -> OpaquePointer {
        // Fails only for want of memory.
        let bio = BIO_new(method)!
        BIO_set_data(bio, wire)
        BIO_set_init(bio, 1)
        return bio
    }

    nonisolated(unsafe) private static let method: OpaquePointer = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "martlet wire")!
        BIO_meth_set_read(method) { bio, target, wanted in
            guard let wire = BIO_get_data(bio)?.assumingMemoryBound(to: Wire.self), let target else { return -1 }
            shim_bio_clear_retry(bio)
            // Without the retry flag this is an error: the session ends before it answers any more of it.
            if wire.pointee.noiseCount > noiseCountMax { return -1 }
            let count = min(Int(wanted), wire.pointee.inputCount)
            guard count > 0, let input = wire.pointee.input else {
                shim_bio_retry_read(bio)
                return -1
            }
            UnsafeMutableRawPointer(target).copyMemory(from: input, byteCount: count)
            wire.pointee.input = input + count
            wire.pointee.inputCount -= count
            return Int32(count)
        }
        BIO_meth_set_write(method) { bio, source, count in
            guard let wire = BIO_get_data(bio)?.assumingMemoryBound(to: Wire.self), let output = wire.pointee.output
            else { return -1 }
            output.pointee.append(UnsafeRawBufferPointer(start: source, count: Int(count)))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Flushing has nothing to do; all the others are not for us.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return method
    }()

    // MARK: Info

    /// Called by OpenSSL at every alert and handshake message, never for plain data.
    static let noteInfo: @convention(c) (OpaquePointer?, Int32, Int32) -> Void = { ssl, place, value in
        guard let wire = Wire.of(ssl) else { return }
        if place & SSL_CB_ALERT != 0 {
            let alert = Alert(rawValue: UInt8(truncatingIfNeeded: value))
            if place & SSL_CB_READ != 0 { wire.pointee.alertReceived = alert } else { wire.pointee.alertSent = alert }
        }
        // Steps within one message are not counted.
        if wire.pointee.isEstablished, place & (SSL_CB_ALERT | SSL_CB_EXIT) != 0 { wire.pointee.noiseCount += 1 }
    }
}
