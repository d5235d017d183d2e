package import Bytes
package import Compression

/// Compresses and reads single messages by gzip, each in one go, so that one serves all calls of a worker.
///
/// Holds 300 KB.
package final class MessageGzip {
    /// Smaller messages are sent as they are: what is won is less than what it costs.
    package static let deflatedBytesMin = 256

    private var inflater = Inflater(InflateLimits(outputBytesMax: 0))
    private var deflater = Deflater(.large)

    package init() {}

    /// Appends what `bytes` stand for; on failure, part of it.
    package func inflate(
        _ bytes: UnsafeRawBufferPointer, bytesMax: Int, into buffer: inout ByteBuffer
    ) throws(InflateFailure) {
        inflater.reset(InflateLimits(outputBytesMax: bytesMax))
        try inflater.inflate(bytes, into: &buffer)
        guard inflater.isAtEnd, bytes.count > 0 else { throw .malformed }
    }

    /// Appends `bytes`, compressed.
    package func deflate(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        deflater.reset()
        let room = buffer.writable(atLeast: deflater.bytesMax(for: bytes.count))
        let step = deflater.step(bytes, into: room, .end)
        precondition(step.isDone, "zlib needs no more room than it says")
        buffer.commit(step.written)
    }
}

extension Inflater {
    /// Appends all that `bytes` add.
    package mutating func inflate(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) throws(InflateFailure) {
        var rest = bytes
        while true {
            let room = buffer.writable(atLeast: max(1024, min(4 * rest.count, 64 << 10)))
            let step = try step(rest, into: room)
            buffer.commit(step.written)
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
            if rest.isEmpty, step.written < room.count { return }
        }
    }
}

extension Deflater {
    /// Appends what `bytes` become, all of it where the flush says so.
    package mutating func deflate(_ bytes: UnsafeRawBufferPointer, _ flush: Flush, into buffer: inout ByteBuffer) {
        var rest = bytes
        while true {
            let room = buffer.writable(atLeast: max(256, min(rest.count, 64 << 10)))
            let step = step(rest, into: room, flush)
            buffer.commit(step.written)
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
            if step.isDone, rest.isEmpty { return }
        }
    }
}
