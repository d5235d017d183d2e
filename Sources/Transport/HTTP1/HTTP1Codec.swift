package import Bytes
package import HTTP2
package import HTTPModel

/// An HTTP/1.1 codec as its connection sees it, whichever side it speaks for: bytes in, events out; intents in, bytes out.
package protocol HTTP1Codec: AnyObject {
    /// The exchange under way.
    var current: StreamPointer? { get }
    /// Bytes wait in it that may not be read yet: the socket's turn to hold them.
    var holdsReading: Bool { get }
    /// Nothing more is to be read or written: the connection ends.
    var isFinished: Bool { get }
    /// It must not end in order: a message was cut short whose end would be the connection's.
    var isTruncated: Bool { get }
    /// The peer may still be sending, and is to read what was said last.
    var leavesUnread: Bool { get }
    /// A limit of ours that has ended the connection.
    var fault: SessionFault? { get }
    /// The connection is gone.
    var isDead: Bool { get }
    var pool: StreamPool { get }

    func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64)
    func produce(into output: inout GatherBuffer, limit: Int, now: UInt64, wallSeconds: Int64)
    func reset(_ stream: StreamPointer, _ code: ErrorCode)
    /// Tells the stream under way that its connection is gone.
    /// - Parameter inOrder: the peer ended its side, and everything before that has come.
    func connectionLost(inOrder: Bool)
}

/// What handlers say of a body waits in the stream, whichever side it goes to.
extension HTTP1Codec {
    package func send(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.outbound.append(bytes, from: pool.chunks)
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
        !isDead && stream.pointee.flags.isDisjoint(with: .unsendable)
    }
}
