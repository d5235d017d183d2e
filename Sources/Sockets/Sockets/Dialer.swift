internal import Net
package import Reactor
package import TLS

/// Opens connections to one server: plain or TLS, to one of its addresses after the other.
package final class Dialer {
    private let source: any AddressSource
    private let tls: (context: ClientContext, name: ServerName?)?
    private unowned(unsafe) let loop: EventLoop
    private let scratch: ScratchBuffers
    private var turn = AddressTurn()
    /// Why the last connection could not even be begun.
    package private(set) var failureToBegin: SystemError?

    /// - Parameter tls: without a name to verify no connection is made.
    package init(
        _ source: any AddressSource, tls: (context: ClientContext, name: ServerName?)? = nil, on loop: EventLoop,
        scratch: ScratchBuffers
    ) {
        self.source = source
        self.tls = tls
        self.loop = loop
        self.scratch = scratch
    }

    /// Calls `completion` once, perhaps before it returns, with a channel that is connecting or connected, or `nil`.
    package func dial(_ completion: @escaping (ByteChannel?) -> Void) {
        source.find { [weak self] addresses in completion(self?.connect(to: addresses)) }
    }

    private func connect(to addresses: [SocketAddress]) -> ByteChannel? {
        guard let address = turn.next(of: addresses) else { return nil }
        failureToBegin = nil
        do throws(SystemError) {
            guard let tls else { return try ByteChannel(connectingTo: address, on: loop, scratch: scratch) }
            guard let name = tls.name else { return nil }
            return try ByteChannel(connectingTo: address, tls: (tls.context, name), on: loop, scratch: scratch)
        } catch {
            failureToBegin = error
            return nil
        }
    }
}
