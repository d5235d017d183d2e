package import Bytes

/// The five bytes before every message that is sent: a flag and the length, big-endian (gRPC over HTTP/2,
/// "Length-Prefixed-Message"). Those of messages that arrive are a `ReceivedFrame`.
package struct MessageFrame: Equatable, Sendable {
    package static let headerBytes = 5

    /// Bit 0 of the flag: the payload is compressed by `grpc-encoding`.
    package var isCompressed: Bool
    package var payloadBytes: UInt32

    package init(isCompressed: Bool = false, payloadBytes: UInt32) {
        self.isCompressed = isCompressed
        self.payloadBytes = payloadBytes
    }

    package func write(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: isCompressed ? 1 : 0, as: UInt8.self)
        target.storeBytes(of: payloadBytes.bigEndian, toByteOffset: 1, as: UInt32.self)
    }
}

/// Writing frames to the end of a buffer. A message over 4 GiB is our own bug.
extension MessageFrame {
    /// The header alone.
    package func append(to buffer: inout ByteBuffer) {
        write(to: buffer.writable(atLeast: Self.headerBytes).baseAddress!)
        buffer.commit(Self.headerBytes)
    }

    package static func append(
        _ message: UnsafeRawBufferPointer, isCompressed: Bool = false, to buffer: inout ByteBuffer
    ) {
        let target = buffer.writable(atLeast: headerBytes + message.count)
        MessageFrame(isCompressed: isCompressed, payloadBytes: UInt32(message.count)).write(to: target.baseAddress!)
        buffer.commit(headerBytes)
        buffer.append(message)
    }

    /// Leaves room for the header of a message that is appended to the same buffer next, and says where. Nothing may be
    /// consumed from the buffer before `end`.
    package static func begin(in buffer: inout ByteBuffer) -> Int {
        let place = buffer.count
        _ = buffer.writable(atLeast: headerBytes)
        buffer.commit(headerBytes)
        return place
    }

    /// Fills in the header at `place`: everything behind it is the message.
    package static func end(at place: Int, isCompressed: Bool = false, in buffer: inout ByteBuffer) {
        let payload = buffer.count - place - headerBytes
        MessageFrame(isCompressed: isCompressed, payloadBytes: UInt32(payload))
            .write(to: buffer.base + buffer.start + place)
    }
}
