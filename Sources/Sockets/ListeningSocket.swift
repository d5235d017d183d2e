internal import CLinux
internal import Glibc
package import Reactor

/// A socket that accepts connections on a loop, at most `acceptsPerTick` a tick so that nobody waits for a storm of them.
///
/// Several workers may each have one on the same address (SO_REUSEPORT): the kernel spreads connections by their hash.
package final class ListeningSocket: EventHandler {
    /// What the kernel chose where port 0 was asked for.
    package let address: SocketAddress
    private let descriptor: Int32
    private unowned let loop: EventLoop
    private var registration: EventLoop.Registration?
    private let accepted: (AcceptedSocket) -> Void
    private static let acceptsPerTick = 64
    private static let backlog: Int32 = 4096
    /// Held in reserve so that a connection can be refused, rather than spun on, when descriptors run out.
    private var spareDescriptor: Int32

    /// - Parameters:
    ///   - isReserved: a `PortReservation` holds the address for this one, and for others of this process.
    ///   - accepted: takes over the socket.
    package init(
        on loop: EventLoop, at wanted: SocketAddress, isReserved: Bool = false,
        accepted: @escaping (AcceptedSocket) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.accepted = accepted
        (descriptor, address) = try Self.bound(wanted, isReserved: isReserved)
        guard listen(descriptor, Self.backlog) == 0 else {
            let error = SystemError("listen")
            Glibc.close(descriptor)
            throw error
        }
        spareDescriptor = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        registration = try loop.register(descriptor, for: .readable, self)
    }

    deinit {
        if spareDescriptor >= 0 { Glibc.close(spareDescriptor) }
    }

    private static let kind =
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    /// A socket that has its address and does not listen yet. An address that is in use, by whomever, is refused unless it
    /// is reserved for this process; others of this process may then join it.
    static func bound(_ wanted: SocketAddress, isReserved: Bool) throws(SystemError) -> (Int32, SocketAddress) {
        let descriptor = socket(wanted.family, Self.kind, 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        func check(_ result: Int32, _ call: StaticString) throws(SystemError) {
            guard result == 0 else {
                let error = SystemError(call)
                Glibc.close(descriptor)
                throw error
            }
        }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if case .unix(let path) = wanted {
            if isReserved || isDeadSocket(path, wanted) { unlink(path) }
        } else {
            try check(setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size), "setsockopt SO_REUSEADDR")
            if isReserved { try check(setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, size), "setsockopt SO_REUSEPORT") }
        }
        try check(wanted.withSockaddr { bind(descriptor, $0, $1) }, "bind")
        if case .unix = wanted {} else {
            // Only now: before `bind` it would let two processes share the address unawares.
            try check(setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, size), "setsockopt SO_REUSEPORT")
        }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try check(
            withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }, "getsockname")
        return (descriptor, SocketAddress(storage, length: length) ?? wanted)
    }

    /// A socket that a process left behind: it is one, and nobody listens on it. Anything else is not ours to remove.
    private static func isDeadSocket(_ path: String, _ address: SocketAddress) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        let probe = socket(address.family, Self.kind, 0)
        guard probe >= 0 else { return false }
        defer { Glibc.close(probe) }
        return address.withSockaddr { connect(probe, $0, $1) } != 0 && linux_errno() == ECONNREFUSED
    }

    /// Stops accepting. Connections that the kernel has completed but nobody accepted are reset.
    package func close() {
        guard let registration else { return }
        self.registration = nil
        loop.deregister(registration)
        Glibc.close(descriptor)
        if case .unix(let path) = address { unlink(path) }
    }

    package func ready(_ events: Readiness) {
        for _ in 0..<Self.acceptsPerTick {
            guard registration != nil else { return }
            var storage = sockaddr_storage()
            var length = UInt32(MemoryLayout<sockaddr_storage>.size)
            let socket = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { linux_accept(descriptor, $0, &length) }
            }
            if socket >= 0 {
                accepted(AcceptedSocket(descriptor: socket, peer: SocketAddress(storage, length: length)))
                continue
            }
            switch System.interpret() {
            case nil: continue
            case .failed(EMFILE), .failed(ENFILE): refuseOne()
            case .failed(ECONNABORTED), .failed(EPROTO): continue
            default: return
            }
        }
    }

    /// Out of descriptors: gives up the spare one to accept and close, or the loop would be woken for ever.
    private func refuseOne() {
        guard spareDescriptor >= 0 else { return }
        Glibc.close(spareDescriptor)
        let socket = linux_accept(descriptor, nil, nil)
        if socket >= 0 { Glibc.close(socket) }
        spareDescriptor = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    }
}

/// A connection just accepted; a number until a loop takes it. May be handed to another thread.
package struct AcceptedSocket: Sendable {
    package let descriptor: Int32
    /// `nil` where the peer has no address we know (a Unix client without one has `.unix("")`).
    package let peer: SocketAddress?

    package init(descriptor: Int32, peer: SocketAddress?) {
        self.descriptor = descriptor
        self.peer = peer
    }

    /// Closes it unserved.
    package func refuse() { Glibc.close(descriptor) }
}
