internal import COpenSSL

/// The digests of the SHA-2 family that JOSE names.
package enum DigestAlgorithm: Hashable, Sendable, CaseIterable {
    case sha256, sha384, sha512

    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// An `EVP_MD *` that lives as long as the process.
    package var pointer: OpaquePointer {
        switch self {
        case .sha256: Self.fetched256
        case .sha384: Self.fetched384
        case .sha512: Self.fetched512
        }
    }

    // Fetched once: naming a digest by EVP_sha256() makes OpenSSL 3 look it up at every use.
    private nonisolated(unsafe) static let fetched256 = fetch("SHA256")
    private nonisolated(unsafe) static let fetched384 = fetch("SHA384")
    private nonisolated(unsafe) static let fetched512 = fetch("SHA512")

    private static func fetch(_ name: String) -> OpaquePointer {
        guard let digest = EVP_MD_fetch(nil, name, nil) else { preconditionFailure("OpenSSL has no \(name)") }
        return digest
    }

    /// Writes the digest of `bytes` to the beginning of `target`, which has room for `byteCount` bytes.
    package func hash(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= byteCount)
        // Fails only without memory.
        let done = EVP_Digest(bytes.baseAddress, bytes.count, target.baseAddress, nil, pointer, nil)
        precondition(done == 1, "OpenSSL could not hash")
    }

    package func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            hash(bytes, into: UnsafeMutableRawBufferPointer(target))
            count = byteCount
        }
    }
}
