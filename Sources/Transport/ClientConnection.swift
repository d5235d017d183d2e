package import Bytes
package import HTTP2
package import HTTPModel
package import Reactor
package import Sockets
package import TLS

/// Owns client connections: a pool.
package protocol ClientConnectionOwner: AnyObject {
    /// Requests may be sent.
    func clientConnectionOpened(_ connection: ClientConnection)
    /// A stream has ended, or the peer's limit has changed: there may be room for waiting requests.
    func clientConnectionHasRoom(_ connection: ClientConnection)
    /// The peer wants no new requests on it; those it will not answer are told `.unprocessed`.
    func clientConnectionLeaving(_ connection: ClientConnection)
    /// It is no more; its streams have been told.
    func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd)
}

/// A connection that we opened to an upstream.
package final class ClientConnection: Connection {
    /// Lives at least as long as the connection, or sets itself to `nil`.
    package var owner: (any ClientConnectionOwner)? {
        get { ownerReference.object }
        set { ownerReference = UnownedReference(newValue) }
    }
    private var ownerReference: UnownedReference<any ClientConnectionOwner>
    /// Connected, and the peer has said what it allows.
    package private(set) var isReady = false
    /// It has been ready, whatever it is now.
    package private(set) var wasReady = false
    /// In nanoseconds of the loop's clock: when it last had no stream any more.
    private var idleSince: UInt64 = 0
    /// The peer sent GOAWAY.
    package private(set) var isLeaving = false
    private var requestCount: UInt8 = 0
    /// Whether the next request puts the names of fields whose values are never indexed into the HPACK table, where those
    /// behind it find them: the first does, and now and then another, since tables forget.
    package var refreshesNames: Bool { requestCount == 0 }
    /// Our own limit; the peer's may be lower.
    private let streamLimit: Int
    /// Upstreams are spoken to in HTTP/2.
    private let session: HTTP2.Session

    package init(
        to address: SocketAddress, tls: (context: ClientContext, name: ServerName)? = nil, limits: SessionLimits,
        streamLimit: Int, context: WorkerContext, owner: any ClientConnectionOwner
    ) throws(SystemError) {
        self.streamLimit = streamLimit
        ownerReference = UnownedReference(owner)
        let channel = try ByteChannel(connectingTo: address, tls: tls, on: context.loop, scratch: context.scratch)
        session = HTTP2.Session(.client, limits: limits, pool: context.streams, memory: context.sessionMemory)
        super.init(channel: channel, limits: limits, context: context)
        choose(.http2(session))
    }

    /// Requests it takes at once.
    package var capacity: Int { min(streamLimit, session.peerStreamLimit) }

    package var hasRoom: Bool {
        isReady && !isLeaving && !isClosed && session.streamCount < capacity
    }

    /// How long it has had no stream; zero while it has.
    package var idleFor: Duration {
        session.streamCount > 0 ? .zero : .nanoseconds(Int64(clamping: now - idleSince))
    }

    /// Begins a request: see `Session.submitRequest`.
    package func request(
        ended: Bool, handler: UnownedReference<any StreamHandler>, stream context: UnsafeMutableRawPointer?,
        fill: (StreamPointer) -> UnsafeBufferPointer<Field>
    ) -> StreamPointer? {
        guard let stream = session.submitRequest(ended: ended, fill: fill) else { return nil }
        requestCount &+= 1
        stream.pointee.listener = handler
        stream.pointee.context = context
        channel.markDirty()
        return stream
    }

    override package func channelClosed(_ end: ChannelEnd) {
        isReady = false
        super.channelClosed(end)
        owner?.clientConnectionClosed(self, end)
    }

    override package func sessionReceivedGoAway(lastStreamID: Int32, code: ErrorCode) {
        guard !isLeaving else { return }
        isLeaving = true
        owner?.clientConnectionLeaving(self)
        if session.streamCount == 0 { channel.close() }
    }

    /// Ready with the peer's first SETTINGS, which say how many streams it allows: sent before, requests beyond that would
    /// wait inside the codec, where no other connection could take them over.
    override package func sessionSettingsChanged() {
        if wasReady {
            owner?.clientConnectionHasRoom(self)
        } else if !isClosed, !isLeaving {
            isReady = true
            wasReady = true
            idleSince = now
            owner?.clientConnectionOpened(self)
        }
    }

    override package func sessionStreamEnded() {
        if session.streamCount == 0 { idleSince = now }
        if isLeaving {
            if session.streamCount == 0 { channel.close() }
        } else {
            ownerReference.call { $0.clientConnectionHasRoom(self) }
        }
    }

    /// Parts every stream from its handler, which is about to end.
    package func abandonStreams() {
        var next = session.firstStream
        while let stream = next {
            next = stream.pointee.next
            stream.pointee.handler = nil
        }
    }

    /// Takes no new requests, and closes with the last one that runs.
    package func retire() {
        isLeaving = true
        if session.streamCount == 0 { channel.close() }
    }
}
