internal import Glibc
package import Reactor

/// Holds an address for listeners that are opened later, on several threads: bound, but not listening, so that it takes no
/// connection itself. Finds out what port 0 becomes, and that the address can be had at all.
package final class PortReservation {
    package let address: SocketAddress
    private let descriptor: Int32

    package init(_ wanted: SocketAddress) throws(SystemError) {
        if case .unix = wanted {
            // A path is taken by the one socket that listens on it.
            address = wanted
            descriptor = -1
            return
        }
        (descriptor, address) = try ListeningSocket.bound(wanted)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
