internal import COpenSSL

/// Bytes from OpenSSL's generator, which the kernel seeds. Any thread may ask.
package enum RandomBytes {
    package static func fill(_ target: UnsafeMutableRawBufferPointer) {
        guard let base = target.baseAddress else { return }
        // Fails only where the system has no entropy source, and then nothing secret may be made.
        let done = RAND_bytes(base.assumingMemoryBound(to: UInt8.self), Int32(target.count))
        precondition(done == 1, "OpenSSL has no randomness")
    }

    package static func make(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, written in
            fill(UnsafeMutableRawBufferPointer(target))
            written = count
        }
    }

    /// For the seed of a hash.
    package static func uint64() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return value
    }
}
