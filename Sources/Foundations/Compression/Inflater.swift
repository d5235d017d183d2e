internal import CZlib

/// Reads gzip (RFC 1952) that comes in pieces, one member or several behind each other.
///
///     step(input, into: room) … until all input is consumed and room was left over ─▶ isAtEnd?
///
/// What comes out is bounded by `InflateLimits`, by bytes and by ratio, before it is written. Holds about 40 KB; `reset`
/// makes it ready for other bytes. After a failure only `reset` helps.
package struct Inflater: ~Copyable {
    /// On the heap, because zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>
    private var limits: InflateLimits
    private var consumedBytes = 0
    private var writtenBytes = 0
    /// Between two members: the bytes may end here.
    package private(set) var isAtEnd = true

    package struct Step {
        package let consumed: Int
        package let written: Int
    }

    package init(_ limits: InflateLimits) {
        self.limits = limits
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = martlet_gzip_inflate_begin(stream)
        precondition(code == Z_OK, "zlib has no memory, or is another version than its header")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets everything, and holds from now on to other limits.
    package mutating func reset(_ limits: InflateLimits) {
        self.limits = limits
        consumedBytes = 0
        writtenBytes = 0
        isAtEnd = true
        inflateReset(stream)
    }

    /// Reads of `input` and writes to `output`, until one of the two is used up.
    package mutating func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(InflateFailure) -> Step {
        var step = (consumed: 0, written: 0)
        while step.consumed < input.count || !isAtEnd, step.written < output.count {
            let input = UnsafeRawBufferPointer(rebasing: input[step.consumed...])
            if isAtEnd {
                guard input.count > 0 else { break }
                inflateReset(stream)
                isAtEnd = false
            }
            // Within one call no more comes out than what its whole input allows.
            let allowed = limits.allowed(after: consumedBytes + input.count)
            // One byte above the limit tells that there is more.
            let room = min(output.count - step.written - 1, max(0, allowed - writtenBytes)) + 1
            let part = try inflate(input, into: UnsafeMutableRawBufferPointer(rebasing: output[step.written...].prefix(room)))
            step.consumed += part.consumed
            step.written += part.written
            consumedBytes += part.consumed
            writtenBytes += part.written
            guard writtenBytes <= allowed else {
                throw allowed == limits.outputBytesMax ? .tooLarge(bytesMax: allowed) : .tooDense(ratioMax: limits.ratioMax)
            }
            if part.consumed == 0, part.written == 0, !isAtEnd { break }
        }
        return Step(consumed: step.consumed, written: step.written)
    }

    private mutating func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(InflateFailure) -> Step {
        let inputCount = min(input.count, Int(UInt32.max))
        let outputCount = min(output.count, Int(UInt32.max))
        // zlib reads through a pointer that it does not declare constant.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(inputCount)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(outputCount)
        let code = CZlib.inflate(stream, Z_NO_FLUSH)
        switch code {
        case Z_STREAM_END: isAtEnd = true
        // Z_BUF_ERROR: nothing to read, or no room; not an error.
        case Z_OK, Z_BUF_ERROR: break
        // Z_DATA_ERROR, and Z_NEED_DICT, which gzip does not have. Z_STREAM_ERROR would be our own.
        case Z_MEM_ERROR: preconditionFailure("zlib has no memory")
        default: throw .malformed
        }
        return Step(
            consumed: inputCount - Int(stream.pointee.avail_in), written: outputCount - Int(stream.pointee.avail_out))
    }
}
