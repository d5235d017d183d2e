package import Bytes
package import HTTP2
package import HTTPModel
package import Sockets
internal import Reactor
internal import Time

/// A socket and its HTTP codec: what server and client connections have in common.
///
/// Bytes that arrive become events for the streams' handlers; what handlers say waits in the codec and leaves with one
/// write at the end of the tick. Owned by its worker's thread.
package class Connection: ByteChannelDelegate, SessionDelegate {
    package let channel: ByteChannel
    package let session: Session
    package unowned(unsafe) let context: WorkerContext
    /// Set once the connection is no more; its streams have been told.
    package private(set) var isClosed = false
    /// Nothing new is accepted; the channel closes when what is queued has left.
    private var isEnding = false

    init(channel: ByteChannel, role: Session.Role, limits: SessionLimits, context: WorkerContext) {
        self.channel = channel
        self.context = context
        session = Session(role, limits: limits, pool: context.streams, memory: context.sessionMemory)
        session.connection = Unmanaged.passUnretained(self).toOpaque()
        session.delegate = self
        channel.attach(self)
    }

    var now: UInt64 { context.loop.now.nanoseconds }

    /// The connection a stream lives on.
    @inline(__always)
    package static func with<Result>(_ stream: StreamPointer, _ body: (Connection) -> Result) -> Result {
        Unmanaged<Connection>.fromOpaque(stream.pointee.connection!)._withUnsafeGuaranteedRef(body)
    }

    // MARK: What handlers say

    package func send(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        session.send(stream, bytes)
        channel.markDirty()
    }

    /// Nothing follows what was sent.
    package func finish(_ stream: StreamPointer) {
        session.finish(stream)
        channel.markDirty()
    }

    /// These trailers follow. Bytes and array must lie in the stream's own arena.
    package func finish(_ stream: StreamPointer, trailers: UnsafeMutableBufferPointer<Field>) {
        session.finish(stream, trailers: trailers)
        channel.markDirty()
    }

    package func reset(_ stream: StreamPointer, _ code: ErrorCode) {
        session.reset(stream, code)
        channel.markDirty()
    }

    /// `count` bytes of body were accepted further on: their room is given back to the sender.
    @inline(__always)
    package func consumed(_ stream: StreamPointer, _ count: Int) {
        if stream.pointee.flags.contains(.remoteEnded) {
            stream.pointee.unconsumed -= count
            return
        }
        session.consumed(stream, count)
        channel.markDirty()
    }

    // MARK: ByteChannelDelegate

    package func channelOpened() { channel.markDirty() }

    package func channelReceived(_ bytes: UnsafeRawBufferPointer) {
        do {
            try session.receive(bytes, now: now)
        } catch {
            fail(error)
        }
        if session.wantsToSend || session.isFinished { channel.markDirty() }
    }

    package func channelProduce(into output: inout ByteBuffer, limit: Int) {
        do {
            try session.produce(into: &output, limit: limit, now: now)
        } catch {
            fail(error)
        }
        if output.isEmpty, !isEnding, session.isFinished {
            isEnding = true
            channel.close()
        }
    }

    package func channelClosed(_ end: ChannelEnd) {
        isClosed = true
        session.die()
    }

    /// The peer broke the protocol: what explains it is still sent, then the channel closes.
    func fail(_ misuse: Session.Misuse) {
        guard !isEnding else { return }
        isEnding = true
        channel.close()
    }

    // MARK: SessionDelegate

    package func sessionBegan(_ stream: StreamPointer) {}
    package func sessionReceivedGoAway(lastStreamID: Int32, code: ErrorCode) {}
    package func sessionSettingsChanged() {}
    package func sessionReceivedPong(_ payload: UInt64) {}
    package func sessionStreamEnded() {}
}
