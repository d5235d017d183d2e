package import Bytes

/// The owner of a channel. Never called again after `channelClosed`.
package protocol ByteChannelDelegate: AnyObject {
    /// Connected, and TLS done where there is TLS.
    func channelOpened()
    /// Valid only for the length of the call.
    func channelReceived(_ input: BufferSlice)
    /// Append what is to be sent, about `limit` bytes at most; append nothing when there is no more.
    func channelProduce(into output: inout GatherBuffer, limit: Int)
    /// The tick ends, as `interrupt` has asked for, and the socket is full.
    func channelInterrupted()
    func channelClosed(_ end: ChannelEnd)
}

extension ByteChannelDelegate {
    package func channelInterrupted() {}
}
