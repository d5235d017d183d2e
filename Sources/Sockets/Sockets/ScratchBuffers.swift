package import Bytes

/// The scratch memory that all channels of one loop share: a channel keeps bytes of its own only when a socket is full.
package final class ScratchBuffers {
    private let chunks: ChunkPool
    private var input: ReadBuffer
    /// What TLS makes of `input`.
    private var plaintext: ReadBuffer
    var output = GatherBuffer(capacity: 288 << 10)
    /// What TLS makes of `output`, and its own messages.
    var ciphertext = ByteBuffer(capacity: 320 << 10)
    /// What is taken from a delegate for one write.
    static let writeBytes = 256 << 10
    /// Full buffers that are read from one socket a tick: what comes in fewer ticks leaves in fewer and larger writes, which wake the
    /// other side less often. A MiB costs a quarter of a millisecond, for which others wait.
    static let readsMax = 4

    /// - Parameter chunks: where bodies that are passed on are kept: what arrives is read into its buffers.
    package init(chunks: ChunkPool) {
        self.chunks = chunks
        input = chunks.acquireReadBuffer()
        plaintext = chunks.acquireReadBuffer()
    }

    deinit {
        output.removeAll()
        chunks.release(input)
        chunks.release(plaintext)
    }

    /// Where the next read of a socket goes.
    func nextInput() -> ReadBuffer {
        chunks.exchangeIfHeld(&input)
        return input
    }

    /// Where TLS decrypts to next.
    func nextPlaintext() -> ReadBuffer {
        chunks.exchangeIfHeld(&plaintext)
        return plaintext
    }
}
