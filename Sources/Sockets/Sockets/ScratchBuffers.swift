internal import Bytes

/// The scratch memory that all channels of one loop share: a channel keeps bytes of its own only when a socket is full.
package final class ScratchBuffers {
    let input: Record<ReadBuffer>
    /// What TLS makes of `input`.
    let plaintext: Record<ReadBuffer>
    var output = GatherBuffer(capacity: 160 << 10)
    /// What TLS makes of `output`, and its own messages.
    var ciphertext = ByteBuffer(capacity: 192 << 10)
    /// What is taken from a delegate for one write.
    static let writeBytes = 128 << 10
    static let readBytes = 256 << 10

    package init() {
        input = ReadBuffer.allocate(byteCount: Self.readBytes)
        plaintext = ReadBuffer.allocate(byteCount: Self.readBytes)
    }

    deinit {
        input.destroy()
        plaintext.destroy()
    }
}
