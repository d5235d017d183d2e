internal import COpenSSL

extension DigestAlgorithm {
    /// Writes the keyed digest of `message` to the beginning of `target`, which has room for `byteCount` bytes
    /// (RFC 2104).
    package func authenticate(
        _ message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) {
        precondition(target.count >= byteCount && key.count <= Int(Int32.max))
        // A null key means "the one from before" to OpenSSL; an empty key is a legal one.
        var nothing: UInt8 = 0
        let made = withUnsafeBytes(of: &nothing) { empty in
            COpenSSL.HMAC(
                pointer, key.baseAddress ?? empty.baseAddress, Int32(key.count),
                message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count,
                target.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
        }
        // Fails only without memory.
        precondition(made != nil, "OpenSSL could not authenticate")
    }

    package func authenticate(_ message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            authenticate(message, key: key, into: UnsafeMutableRawBufferPointer(target))
            count = byteCount
        }
    }
}
