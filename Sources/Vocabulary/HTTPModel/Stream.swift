// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes

/// One request and its response on one connection, seen from the side that holds it: what arrived, and what is still to
/// be sent. The version of HTTP does not show.
///
/// A slab record of the worker, made by a codec when a stream begins and given back after `streamClosed`. Handlers change
/// only `handler` and `context`, keep bytes of their own in the arena of `fields`, and forget what they have read of it.
@usableFromInline package struct Stream {
    /// Unique on its connection while the stream lives (HTTP/2: the stream identifier).
    package var id: Int32 = 0
    /// What arrived: the head, then the trailers from `trailersStart` on.
    @usableFromInline package var fields = FieldBlock()
    @usableFromInline package var trailersStart = 0
    /// Bytes of body that wait to be sent.
    @usableFromInline package var outbound = ByteChain()
    /// Trailer fields to send behind the body; their bytes lie in the arena of `fields`.
    package var outboundTrailers: UnsafeMutableBufferPointer<Field>?
    package var ending = Ending.open
    @usableFromInline package var flags: Flags = []
    /// Body bytes received and sent, without framing.
    @usableFromInline package var bodyBytesReceived = 0
    package var bodyBytesSent = 0
    /// Heads with a status of 1xx that have arrived.
    package var interimCount: UInt8 = 0
    /// `bodyBytesSent` as a sweep found it with bytes waiting, and when: where the two stay, the peer takes nothing.
    package var stalledAt = 0
    package var stalledSince: UInt64 = 0
    /// Received and not yet given back to the sender's window.
    @usableFromInline package var unconsumed = 0
    /// When a request of ours was handed to the codec, in nanoseconds of the loop's clock. Client connections only.
    package var began: UInt64 = 0
    /// A codec's mark of when the head, or the trailers, of our answer were handed to it: see `Session.reset` of HTTP/2.
    package var headMark: UInt32 = 0
    /// When anything last moved on this stream, in nanoseconds of the loop's clock.
    @usableFromInline package var lastActivity: UInt64 = 0

    /// After how long without activity it ends, in nanoseconds, where that is not its connection's: the largest number for never, 0 where nothing
    /// is said. Server connections only.
    package var idleNanoseconds: UInt64 = 0

    /// `handler`, as it is called.
    @usableFromInline package var listener = UnownedReference<any StreamHandler>(nil)
    /// The handler's own record.
    @usableFromInline package var context: UnsafeMutableRawPointer?
    /// The connection's object, for its codec.
    @usableFromInline package var connection: UnsafeMutableRawPointer?
    /// The streams of one connection form a list, so that a sweep can walk them.
    package var next: StreamPointer?
    package var previous: StreamPointer?

    /// How the side that we send ends.
    package enum Ending: UInt8 {
        /// More may follow.
        case open
        /// The body that waits is the last.
        case body
        /// Trailers follow the body that waits.
        case trailers
    }

    @usableFromInline package typealias Flags = StreamFlags

    package init() {}

    /// Ready for the next use: what was kept is given back.
    package mutating func reset(pool: ChunkPool) {
        fields.reset()
        trailersStart = 0
        outbound.removeAll(pool: pool)
        outboundTrailers = nil
        ending = .open
        flags = []
        bodyBytesReceived = 0
        bodyBytesSent = 0
        interimCount = 0
        stalledSince = 0
        unconsumed = 0
        idleNanoseconds = 0
        listener = UnownedReference(nil)
        context = nil
        connection = nil
        next = nil
        previous = nil
    }
}

/// Where a stream stands. Usable from inline: asked at every event.
@usableFromInline package struct StreamFlags: OptionSet {
    @usableFromInline package let rawValue: UInt16
    @inlinable package init(rawValue: UInt16) { self.rawValue = rawValue }
    /// The head (for a response: the final one) has been announced.
    @inlinable package static var headReceived: StreamFlags { StreamFlags(rawValue: 1) }
    /// The codec has read everything; the event may still wait.
    @inlinable package static var remoteEnded: StreamFlags { StreamFlags(rawValue: 2) }
    /// Our head has been handed to the codec.
    @inlinable package static var headSent: StreamFlags { StreamFlags(rawValue: 4) }
    /// Our last frame has been handed to the codec.
    @inlinable package static var localEnded: StreamFlags { StreamFlags(rawValue: 8) }
    /// The codec asked for body when there was none: it is to be resumed when there is.
    @inlinable package static var deferred: StreamFlags { StreamFlags(rawValue: 16) }
    /// More fields or bytes of fields arrived than allowed: what came after the limit is not kept.
    @inlinable package static var headTooLarge: StreamFlags { StreamFlags(rawValue: 32) }
    /// The codec has ended the stream, though the event may still wait: nothing more can be sent on it.
    @inlinable package static var closed: StreamFlags { StreamFlags(rawValue: 64) }
    /// We reset it; what still arrives is not passed on.
    @inlinable package static var resetSent: StreamFlags { StreamFlags(rawValue: 128) }
    /// Our last frame was written beside the codec's library, which waits for a window to send it.
    @inlinable package static var endedDirectly: StreamFlags { StreamFlags(rawValue: 256) }
    /// The peer has sent RST_STREAM.
    @inlinable package static var resetReceived: StreamFlags { StreamFlags(rawValue: 512) }
    /// The codec has read the head: the next section is another, though the head may still wait to be announced.
    @inlinable package static var headRead: StreamFlags { StreamFlags(rawValue: 1024) }
    /// A section of it waits to be announced: fields of a further one may not stand behind it yet.
    @inlinable package static var sectionWaits: StreamFlags { StreamFlags(rawValue: 2048) }
    /// The head asks for another protocol in place of HTTP: an opening handshake over HTTP/1.1.
    @inlinable package static var asksForWebSocket: StreamFlags { StreamFlags(rawValue: 4096) }
    /// Our head may still be withdrawn: the codec keeps it until it writes.
    @inlinable package static var headWaits: StreamFlags { StreamFlags(rawValue: 8192) }
    /// The request came by HTTP/1.0.
    @inlinable package static var isHTTP10: StreamFlags { StreamFlags(rawValue: 16384) }
    /// Any of these, and nothing more can be sent: `localEnded`, `closed`, `resetSent`.
    @inlinable package static var unsendable: StreamFlags { StreamFlags(rawValue: 8 | 64 | 128) }
    /// `closed` or `resetSent`.
    @inlinable package static var ended: StreamFlags { StreamFlags(rawValue: 64 | 128) }
}

@usableFromInline package typealias StreamPointer = Record<Stream>

extension StreamPointer {
    /// Takes fields out of the head; trailers, which may be there already, stay.
    package func removeHeadFields(where isUnwanted: (Field) -> Bool) {
        let count = pointee.fields.count
        pointee.fields.removeAll(in: 0..<pointee.trailersStart, where: isUnwanted)
        pointee.trailersStart -= count - pointee.fields.count
    }

    /// Tells the handler, if there is one.
    @inlinable @inline(__always)
    package func notify(_ event: (any StreamHandler) -> Void) { pointee.listener.call(event) }

    /// Handles this stream's events. Lives at least as long as the worker.
    package var handler: (any StreamHandler)? {
        get { pointee.listener.object }
        nonmutating set { pointee.listener = UnownedReference(newValue) }
    }

    /// It has a handler.
    @inlinable package var hasHandler: Bool { pointee.listener.isSet }
}

/// Why a stream has ended.
@usableFromInline package enum StreamClose: Equatable {
    /// Both sides ended in order.
    case complete
    /// RST_STREAM from the peer, or from us: the HTTP/2 error code.
    case reset(UInt32)
    /// The codec ended it for what the peer sent on it, which is malformed.
    case malformed(UInt32)
    /// The connection ended.
    case connectionLost
    /// We ended the connection, which went beyond our own limits: no fault of what this stream is about.
    case limitExceeded
    /// The connection ended before any answer, and had brought answers before: perhaps its peer closed it while the request was on its way
    /// (RFC 9112, section 9.3.1).
    case connectionStale
    /// The peer has not seen, and will never see, this request: safe to send again elsewhere.
    case unprocessed
}

/// Handles what happens on streams, in this order: head, data …, ended, closed; drained at any time before closed.
@usableFromInline package protocol StreamHandler: AnyObject {
    /// The head is in `fields`. With `ended` nothing follows, and `streamEnded` is not called.
    func streamHead(_ stream: StreamPointer, ended: Bool)
    /// A response head with a status of 1xx is in `fields`, to be forgotten after the call. Clients only.
    func streamInformational(_ stream: StreamPointer)
    /// Valid only for the length of the call. Give the window back with the connection's `consumed`.
    func streamData(_ stream: StreamPointer, _ slice: BufferSlice)
    /// Nothing more will arrive; trailers, if any, are in `fields` from `trailersStart` on.
    func streamEnded(_ stream: StreamPointer)
    /// So many bytes of our body have left for the socket.
    func streamDrained(_ stream: StreamPointer, _ count: Int)
    /// Nothing has moved on the stream for the listener's `stream_idle`.
    /// - Returns: false where the stream is to be reset.
    func streamIdle(_ stream: StreamPointer) -> Bool
    /// The stream's connection has reached its age, and the grace that it then had is over.
    /// - Returns: false where the stream is to be reset.
    func streamGraceExpired(_ stream: StreamPointer) -> Bool
    /// The peer has taken nothing of what waits for it for the listener's `stall`: the stream is reset after the call.
    func streamStalled(_ stream: StreamPointer)
    /// The last call: the record is reused after it. Not called where `handler` has been set to `nil`.
    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose)
}

extension StreamHandler {
    package func streamInformational(_ stream: StreamPointer) {}
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {}
    package func streamIdle(_ stream: StreamPointer) -> Bool { false }
    package func streamGraceExpired(_ stream: StreamPointer) -> Bool { false }
    package func streamStalled(_ stream: StreamPointer) {}
}

/// Where a worker's streams come from and go to.
package final class StreamPool {
    package let chunks: ChunkPool
    private let slab: Slab<Stream>

    package init(chunks: ChunkPool) {
        self.chunks = chunks
        slab = Slab(
            recordsPerBlock: 16,
            makeValue: { _ in Stream() },
            dispose: { $0.pointee.fields.destroy() })
    }

    package var liveCount: Int { slab.liveCount }
    /// Free ones included.
    package var capacity: Int { slab.capacity }

    /// Free streams that `trim` leaves.
    private static let stock = 128
    /// Calls in a row before which most of the streams were free.
    private static let quietCallsMin = 2
    private var quietCalls = 0

    /// Frees what a burst has left. Called every ten seconds; a stream is two pages of fields.
    package func trim() {
        let free = slab.capacity - slab.liveCount
        guard free > 2 * Self.stock, free > 3 * slab.liveCount else { return quietCalls = 0 }
        quietCalls += 1
        guard quietCalls >= Self.quietCallsMin else { return }
        quietCalls = 0
        slab.trim(keeping: max(Self.stock, slab.liveCount))
    }

    package func acquire() -> StreamPointer { slab.acquire() }

    package func release(_ stream: StreamPointer) {
        stream.pointee.reset(pool: chunks)
        slab.release(stream)
    }
}
