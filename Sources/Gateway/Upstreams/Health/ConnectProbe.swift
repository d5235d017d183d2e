internal import Bytes
internal import Net
internal import Reactor
internal import Sockets
internal import TLS
internal import Transport

/// Whether an endpoint accepts a connection, and completes the handshake where there is TLS. It is closed again at once.
final class ConnectProbe: ByteChannelDelegate {
    private var channel: ByteChannel?
    private var handler: ((_ isPassed: Bool) -> Void)?
    private unowned(unsafe) let loop: EventLoop

    /// Throws where not even a socket can be made.
    init(
        _ address: SocketAddress, tls: (context: ClientContext, name: ServerName)?, context: WorkerContext,
        handler: @escaping (_ isPassed: Bool) -> Void
    ) throws(SystemError) {
        loop = context.loop
        self.handler = handler
        let channel = try ByteChannel(connectingTo: address, tls: tls, on: context.loop, scratch: context.scratch)
        self.channel = channel
        channel.attach(self)
    }

    func cancel() {
        handler = nil
        guard let channel else { return }
        self.channel = nil
        loop.retire(self)
        loop.retire(channel)
        channel.abort()
    }

    private func end(_ isPassed: Bool) {
        guard let handler else { return }
        cancel()
        handler(isPassed)
    }

    func channelOpened() { end(true) }
    func channelReceived(_ input: BufferSlice) {}
    func channelProduce(into output: inout GatherBuffer, limit: Int) {}
    func channelClosed(_ reason: ChannelEnd) { end(false) }
}
