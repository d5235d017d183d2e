internal import COpenSSL

/// Comparison whose time tells nothing about where two byte strings differ; only their lengths are no secret.
package enum ConstantTime {
    package static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let a = left.baseAddress, let b = right.baseAddress else { return true }
        return CRYPTO_memcmp(a, b, left.count) == 0
    }
}
