package import Bytes

/// Gathers the bytes of a stream into messages, for services of our own.
///
///     receive(bytes) …  then  next() until nil;  at the stream's end  finish()
///
/// It holds at most what the peer's flow-control window let through; a message over the limit is refused as soon as its
/// header is there, before its bytes are.
package struct MessageReader: ~Copyable {
    package enum Failure: Error, Equatable {
        /// The peer's message is larger than `payloadBytesMax`: RESOURCE_EXHAUSTED.
        case messageTooLarge(payloadBytes: Untrusted<UInt32>)
        /// A flag that native gRPC does not know: INTERNAL.
        case unknownFlag(UInt8)
        /// The stream ended within a message: INTERNAL.
        case endedWithinMessage
    }

    package struct Message {
        package let isCompressed: Bool
        /// Valid until the reader is called again.
        package let payload: UnsafeRawBufferPointer
    }

    /// What stock gRPC receives at most unless told otherwise.
    package static let defaultPayloadBytesMax: UInt32 = 4 << 20

    private var buffer: ByteBuffer
    private let payloadBytesMax: UInt32
    /// Bytes at the front that belong to the message handed out last.
    private var handedOut = 0

    package init(payloadBytesMax: UInt32 = defaultPayloadBytesMax, capacity: Int = 256) {
        self.payloadBytesMax = payloadBytesMax
        buffer = ByteBuffer(capacity: capacity)
    }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        forget()
        buffer.append(bytes)
    }

    /// The next whole message; `nil` until more bytes come. After a failure the stream is over.
    package mutating func next() throws(Failure) -> Message? {
        forget()
        let bytes = buffer.readable
        guard bytes.count >= MessageFrame.headerBytes else { return nil }
        guard let frame = ReceivedFrame(header: bytes) else { throw .unknownFlag(bytes[0]) }
        guard let payloadBytes = frame.payloadBytes.exactly(in: 0...payloadBytesMax) else {
            throw .messageTooLarge(payloadBytes: frame.payloadBytes)
        }
        let end = MessageFrame.headerBytes + Int(payloadBytes)
        guard bytes.count >= end else { return nil }
        handedOut = end
        return Message(
            isCompressed: frame.isCompressed,
            payload: UnsafeRawBufferPointer(rebasing: bytes[MessageFrame.headerBytes..<end]))
    }

    /// The stream ends here: an error unless it ends between two messages.
    package mutating func finish() throws(Failure) {
        forget()
        guard buffer.isEmpty else { throw .endedWithinMessage }
    }

    /// Bytes behind the message handed out last.
    package var waitingBytes: Int { buffer.count - handedOut }

    /// Makes the reader ready for another stream and gives back what grew.
    package mutating func reset() {
        handedOut = 0
        buffer.removeAll()
        buffer.shrink(to: 4096)
    }

    private mutating func forget() {
        guard handedOut > 0 else { return }
        buffer.consume(handedOut)
        handedOut = 0
    }
}
