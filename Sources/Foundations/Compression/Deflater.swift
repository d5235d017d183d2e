internal import CZlib

/// Writes gzip (RFC 1952), a piece at a time.
///
///     step(input, into: room, .more) … ─▶ step(…, .end) … until `isDone`
///
/// `reset` makes it ready for other bytes.
package struct Deflater: ~Copyable {
    /// How much is looked back at, and so how much memory it holds.
    package enum Size: Sendable {
        /// 256 KB: for what is done in one go.
        case large
        /// 70 KB: for many that live long. Half of it made bodies 5 % longer, and took 15 % more time.
        case small
    }

    package enum Flush: Sendable {
        /// More follows.
        case more
        /// More follows, but the reader gets all that there is so far.
        case now
        /// Nothing follows.
        case end
    }

    package struct Step {
        package let consumed: Int
        package let written: Int
        /// Everything given is written, as the flush wanted it. Otherwise: again, with more room.
        package let isDone: Bool
    }

    /// On the heap, because zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Fast: a gateway compresses on the way. Of pages and JSON, level 4 makes an eighth less for a third more time, level 6 a sixth less
    /// for twice as much.
    private static let level: Int32 = 1

    package init(_ size: Size) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code =
            switch size {
            case .large: martlet_gzip_deflate_begin(stream, Self.level, 15, 8)
            case .small: martlet_gzip_deflate_begin(stream, Self.level, 13, 6)
            }
        precondition(code == Z_OK, "zlib has no memory, or is another version than its header")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    package mutating func reset() { deflateReset(stream) }

    /// Room that holds whatever `count` bytes become, if they are everything.
    package func bytesMax(for count: Int) -> Int { Int(deflateBound(stream, UInt(count))) }

    /// Reads of `input` and writes to `output`, which has room.
    package mutating func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ flush: Flush
    ) -> Step {
        precondition(input.count <= Int(UInt32.max) && !output.isEmpty)
        let outputCount = min(output.count, Int(UInt32.max))
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(outputCount)
        let mode =
            switch flush {
            case .more: Z_NO_FLUSH
            case .now: Z_SYNC_FLUSH
            case .end: Z_FINISH
            }
        let code = deflate(stream, mode)
        // Z_BUF_ERROR: nothing was left to do.
        precondition(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR, "zlib was used in a way that it does not know")
        let isDone = flush == .end ? code == Z_STREAM_END : stream.pointee.avail_out > 0
        return Step(
            consumed: input.count - Int(stream.pointee.avail_in), written: outputCount - Int(stream.pointee.avail_out),
            isDone: isDone)
    }
}
