package import Bytes
package import Compression

/// Makes a stream of messages, of which any may be compressed, one in which none is.
///
/// Messages that are not compressed pass as they come, cut anywhere; one that is waits until it is whole, and then takes
/// its place. Flags but the lowest pass through: they are for the reader of the messages.
package final class FrameInflater {
    private let gzip: MessageGzip
    /// Of a message, compressed and not.
    private let bytesMax: Int
    private var header: (UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0)
    private var headerCount = 0
    /// Of the message under way, still to come.
    private var payloadRest = 0
    private var isHeld = false
    private var held = ByteBuffer(capacity: 16)
    private var density = DensityGuard()

    package init(_ gzip: MessageGzip, messageBytesMax: Int) {
        self.gzip = gzip
        bytesMax = messageBytesMax
    }

    /// Between two messages.
    package var isAtBoundary: Bool { headerCount == 0 && payloadRest == 0 }

    /// Takes more of the stream, and appends what it means to `output`.
    package func feed(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) throws(InflateFailure) {
        var rest = bytes
        while !rest.isEmpty {
            guard payloadRest == 0 else {
                let part = UnsafeRawBufferPointer(rebasing: rest.prefix(payloadRest))
                rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
                payloadRest -= part.count
                if isHeld { try hold(part, into: &output) } else { output.append(part) }
                continue
            }
            withUnsafeMutableBytes(of: &header) { $0[headerCount] = rest[0] }
            rest = UnsafeRawBufferPointer(rebasing: rest[1...])
            headerCount += 1
            if headerCount == MessageFrame.headerBytes { try begin(into: &output) }
        }
    }

    private func begin(into output: inout ByteBuffer) throws(InflateFailure) {
        headerCount = 0
        payloadRest = withUnsafeBytes(of: header) { Int(UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 1, as: UInt32.self))) }
        // An empty message is no gzip, whatever its flag says.
        isHeld = header.0 & 1 == 1 && payloadRest > 0
        guard isHeld else {
            header.0 &= ~1
            return withUnsafeBytes(of: header) { output.append($0) }
        }
        guard payloadRest <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
    }

    private func hold(_ part: UnsafeRawBufferPointer, into output: inout ByteBuffer) throws(InflateFailure) {
        if held.isEmpty, payloadRest == 0 { return try inflate(part, into: &output) }
        held.append(part)
        guard payloadRest == 0 else { return }
        try inflate(held.readable, into: &output)
        held.removeAll()
        held.shrink(to: 4096)
    }

    private func inflate(_ message: UnsafeRawBufferPointer, into output: inout ByteBuffer) throws(InflateFailure) {
        let place = MessageFrame.begin(in: &output)
        let before = output.count
        try gzip.inflate(message, bytesMax: bytesMax, into: &output)
        try density.record(consumed: message.count, written: output.count - before)
        MessageFrame.end(at: place, in: &output)
        guard header.0 > 1 else { return }
        (output.base + output.start + place).storeBytes(of: header.0 & ~1, as: UInt8.self)
    }
}
