internal import COpenSSL

/// Bytes that are wiped before their memory is given back. Never grows, so no copy is left behind.
package struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    package init(copying bytes: UnsafeRawBufferPointer) {
        storage = .allocate(byteCount: bytes.count, alignment: 1)
        storage.copyMemory(from: bytes)
    }

    /// Wipes `bytes` too, as far as no other copy of that array exists.
    package init(_ bytes: consuming [UInt8]) {
        storage = .allocate(byteCount: bytes.count, alignment: 1)
        bytes.withUnsafeMutableBytes {
            storage.copyMemory(from: UnsafeRawBufferPointer($0))
            OPENSSL_cleanse($0.baseAddress, $0.count)
        }
    }

    deinit {
        OPENSSL_cleanse(storage.baseAddress, storage.count)
        storage.deallocate()
    }

    package var count: Int { storage.count }

    /// The bytes are valid only inside `body`.
    package borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage))
    }
}
