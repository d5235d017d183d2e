package import HTTPModel
package import Net

/// A connection that we have ended because of what came on it.
package struct ConnectionFault: Sendable {
    package let fault: SessionFault
    /// A caller's, and not one to an upstream.
    package let isDownstream: Bool
    package let peer: SocketAddress?

    package init(_ fault: SessionFault, isDownstream: Bool, peer: SocketAddress?) {
        self.fault = fault
        self.isDownstream = isDownstream
        self.peer = peer
    }
}
