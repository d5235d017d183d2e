package import Bytes
package import Net
package import Sockets
package import TLS
internal import Transport

/// A caller that writes what it is told and keeps what comes back.
package final class PlainCaller: ByteChannelDelegate {
    package let channel: ByteChannel
    package private(set) var received = ""
    package private(set) var isOpen = false
    package private(set) var end: ChannelEnd?
    private var outgoing: [UInt8] = []
    private var said = 0

    package init(
        to address: SocketAddress, tls: (context: ClientContext, name: ServerName)? = nil, worker: TestWorker
    ) throws {
        channel = try ByteChannel(connectingTo: address, tls: tls, on: worker.loop, scratch: worker.context.scratch)
        channel.attach(self)
        guard worker.run(until: { isOpen || end != nil }) else { throw Silence() }
    }

    package struct Silence: Error {}

    deinit { channel.abort() }

    package func say(_ text: String) {
        outgoing += Array(text.utf8)
        channel.markDirty()
    }

    package func channelOpened() { isOpen = true }
    package func channelReceived(_ input: BufferSlice) { received += String(decoding: input.bytes, as: UTF8.self) }
    package func channelProduce(into output: inout GatherBuffer, limit: Int) {
        let end = min(outgoing.count, said + limit)
        output.bytes.append(Array(outgoing[said..<end]))
        said = end
    }
    package func channelClosed(_ end: ChannelEnd) { self.end = end }
}
