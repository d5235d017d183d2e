internal import Glibc
package import Net
package import Reactor

/// Holds an address for listeners that are opened later, on several threads: bound, but not listening, so that it takes no
/// connection itself. Finds out what port 0 becomes, and that the address can be had at all.
package final class PortReservation {
    package let address: SocketAddress
    private let descriptor: Int32

    /// - Parameter isOurs: this process holds the address already, for a listener that is about to go.
    package init(_ wanted: SocketAddress, isOurs: Bool = false) throws(SystemError) {
        (descriptor, address) = try ListeningSocket.bound(wanted, isReserved: isOurs)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
