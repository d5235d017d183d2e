package import Bytes
package import HTTPModel

/// An HTTP/1.1 codec as its connection sees it, client or server: bytes in, events out; intents in, bytes out.
///
/// Reading goes event by event, `receive`, `readNext` until it is false, `keepUnread`: what was read is delivered before the next
/// byte is looked at, so that a handler's answer, a pause, or the end of a message decides what the bytes behind it are.
package protocol HTTP1Codec: AnyObject {
    /// The call under way, until its end has been delivered and `release` called.
    var current: StreamPointer? { get }
    /// Bytes wait in it that may not be read yet: the socket's turn to hold them.
    var holdsReading: Bool { get }
    /// Nothing more is to be read or written: the connection ends.
    var isFinished: Bool { get }
    /// It must not end in order: a message was cut short whose end would be the connection's.
    var isTruncated: Bool { get }
    /// The peer may still be sending, and is to read the last answer (RFC 9112, section 9.6).
    var needsLingeringClose: Bool { get }
    /// A limit of ours that has ended the connection.
    var fault: SessionFault? { get }
    var pool: StreamPool { get }

    /// Takes what arrived, or nothing, behind what was kept: it must stay where it is until `keepUnread`.
    func receive(_ slice: BufferSlice, now: UInt64)
    /// Reads on until something is in the event queue, to be delivered before the next call; false where nothing more can be read.
    func readNext() -> Bool
    /// `receive` of nothing would read on: there is room again for what was kept, or for an end that takes no bytes.
    var canReadOn: Bool { get }
    /// Copies what may not be read yet.
    func keepUnread()
    /// Appends what is to be sent, about `limit` bytes at most; what has left is in the event queue.
    /// - Returns: whether there may be more to read or to write as soon as the events are delivered.
    func produce(into output: inout GatherBuffer, limit: Int, now: UInt64, wallSeconds: Int64) -> Bool
    func reset(_ stream: StreamPointer, _ code: ErrorCode)
    /// Ends the call under way where it was reset, as `produce` does, with nothing to be sent.
    func endReset()
    /// Takes the record of the call back whose end has been delivered.
    func release(_ stream: StreamPointer)
    /// The peer has ended its side, and everything before that has come: `readNext` decides what that means.
    func peerEnded()
    /// The connection is lost: nothing more is read or sent. The stream under way is to be closed and released.
    /// - Returns: what ended it.
    func connectionLost() -> StreamClose
}

/// Bodies to be sent wait in their stream.
extension HTTP1Codec {
    package func send(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.outbound.append(bytes, from: pool.chunks)
    }

    package func send(_ stream: StreamPointer, _ slice: BufferSlice) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.outbound.append(slice, from: pool.chunks)
    }

    package func send(_ stream: StreamPointer, sharing chain: ByteChain, from offset: Int) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.outbound.append(sharing: chain, from: offset, pool: pool.chunks)
    }

    package func finish(_ stream: StreamPointer) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.ending = .body
    }

    package func finish(_ stream: StreamPointer, trailers: UnsafeMutableBufferPointer<Field>) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.ending = .trailers
        stream.pointee.outboundTrailers = trailers
    }

    func canSend(_ stream: StreamPointer) -> Bool {
        stream.pointee.flags.isDisjoint(with: .unsendable)
    }
}

extension StreamFlags {
    /// Reset, and not closed yet.
    var isReset: Bool { contains(.resetSent) && !contains(.closed) }
}
