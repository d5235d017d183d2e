internal import CLinux
internal import Glibc
package import Net
package import Reactor

/// A socket that accepts connections on a loop, at most so many a tick that no other event waits long for a storm of them.
///
/// Without a descriptor for a connection it gives up a spare one: to refuse the connection at once, or, where it has a
/// `Reserve`, to serve it. Without a spare, and where the kernel has another reason to give nothing, it pauses:
///
///     accepting ──none to be had──▶ paused, 100 ms ──spare taken back──▶ accepting
///                                     ▲         └──still none──┐
///                                     └────────────────────────┘
///
/// With a `Reserve` it pauses for 1 ms, and has room made before it takes a spare back.
///
/// Several workers may each have one on the same address (SO_REUSEPORT): the kernel spreads connections by their hash.
package final class ListeningSocket: EventHandler {
    /// What lets connections in that must get through while others have all descriptors, or come in a storm.
    package struct Reserve {
        /// Descriptors kept to serve connections when there is no other left.
        package var spares: Int
        /// Low enough that a connection's first bytes are read before those that come after it are too many.
        package var acceptsPerTick: Int
        /// Without a spare: closes a connection, whose descriptor becomes one; false where there is none to close.
        package var makeRoom: () -> Bool

        package init(spares: Int, acceptsPerTick: Int, makeRoom: @escaping () -> Bool) {
            self.spares = spares
            self.acceptsPerTick = acceptsPerTick
            self.makeRoom = makeRoom
        }
    }

    /// What the kernel chose where port 0 was asked for.
    package let address: SocketAddress
    /// Kept in reserve for the time when descriptors run out.
    package private(set) var spareDescriptors: [Int32] = []

    private let descriptor: Int32
    private unowned let loop: EventLoop
    private var registration: EventLoop.Registration?
    private let accepted: (AcceptedSocket) -> Void
    private let acceptsPerTick: Int
    private static let backlog: Int32 = 4096
    private static let pause = Duration.milliseconds(100)
    private static let reservePause = Duration.milliseconds(1)
    private let sparesMax: Int
    private let reserve: Reserve?
    /// How long the kernel holds a connection back that sends nothing.
    private static let silenceSeconds: Int32 = 1
    /// Armed while it is paused.
    private var timer: Timer?

    /// - Parameters:
    ///   - isReserved: a `PortReservation` holds the address for this one, and for others of this process.
    ///   - reserve: for when there is no descriptor left; without one, connections are refused then.
    ///   - accepted: takes over the socket.
    package init(
        on loop: EventLoop, at wanted: SocketAddress, isReserved: Bool = false, reserve: Reserve? = nil,
        accepted: @escaping (AcceptedSocket) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.accepted = accepted
        self.reserve = reserve
        sparesMax = reserve?.spares ?? 1
        acceptsPerTick = reserve?.acceptsPerTick ?? 64
        (descriptor, address) = try Self.bound(wanted, isReserved: isReserved)
        guard listen(descriptor, Self.backlog) == 0 else {
            let error = SystemError("listen")
            Glibc.close(descriptor)
            throw error
        }
        if reserve != nil {
            // Fails where there is no TCP; silent connections are then accepted like others.
            var seconds = Self.silenceSeconds
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, &seconds, socklen_t(MemoryLayout<Int32>.size))
        }
        takeSpares()
        registration = try loop.register(descriptor, for: .readable, self)
        timer = Timer(on: loop) { [unowned self] in resume() }
    }

    deinit {
        timer = nil
        for spare in spareDescriptors { Glibc.close(spare) }
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
        if case .unix = wanted {
        } else {
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

    /// A socket that a process left behind: it is one, and no process listens on it. Anything else is not ours to remove.
    private static func isDeadSocket(_ path: String, _ address: SocketAddress) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        let probe = socket(address.family, Self.kind, 0)
        guard probe >= 0 else { return false }
        defer { Glibc.close(probe) }
        return address.withSockaddr { connect(probe, $0, $1) } != 0 && ErrorNumber.last == ECONNREFUSED
    }

    /// Stops accepting. Connections that the kernel has completed but that were not accepted are reset.
    package func close() {
        guard let registration else { return }
        self.registration = nil
        timer = nil
        loop.deregister(registration)
        Glibc.close(descriptor)
        if case .unix(let path) = address { unlink(path) }
    }

    package func ready(_ events: Readiness) {
        if spareDescriptors.count < sparesMax { _ = takeSpare() }
        for _ in 0..<acceptsPerTick {
            guard registration != nil else { return }
            if let socket = accept() {
                accepted(socket)
                continue
            }
            switch System.interpret() {
            case nil, .failed(ECONNABORTED), .failed(EPROTO): continue
            case .failed(let code):
                // The kernel looks for a descriptor before it looks for a connection.
                guard hasConnection else { return }
                DescriptorShortage.acceptFailed(code)
                // Level-triggered: left as it is, the loop would be woken for ever.
                guard code == EMFILE || code == ENFILE, acceptOnSpare() else { return pauseAccepting() }
            default: return
            }
        }
    }

    private func accept() -> AcceptedSocket? {
        var storage = sockaddr_storage()
        var length = UInt32(MemoryLayout<sockaddr_storage>.size)
        let socket = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { linux_accept(descriptor, $0, &length) }
        }
        return socket < 0 ? nil : AcceptedSocket(descriptor: socket, peer: SocketAddress(storage, length: length))
    }

    /// Another thread may have taken the descriptor that is given up here.
    ///
    /// - Returns: whether to go on: a connection was accepted, and where it was refused the spare is back.
    private func acceptOnSpare() -> Bool {
        guard let spare = spareDescriptors.popLast() else { return false }
        Glibc.close(spare)
        guard let socket = accept() else { return false }
        if reserve != nil {
            accepted(socket)
            return true
        }
        socket.refuse()
        return takeSpare()
    }

    /// A descriptor may have become free: what is missing of the spare ones is taken back before others have it.
    package func takeSpares() {
        while takeSpare() {}
    }

    private func takeSpare() -> Bool {
        guard spareDescriptors.count < sparesMax else { return false }
        let spare = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        if spare >= 0 { spareDescriptors.append(spare) }
        return spare >= 0
    }

    private var hasConnection: Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wanted, 1, 0) > 0
    }

    private func pauseAccepting() {
        guard let registration else { return }
        loop.change(registration, to: [])
        timer?.arm(after: reserve == nil ? Self.pause : Self.reservePause)
    }

    private func resume() {
        guard let registration else { return }
        takeSpares()
        // What came with the connections that are there has been read in this tick: one that has asked is not the oldest.
        if spareDescriptors.isEmpty, let reserve, reserve.makeRoom() { takeSpares() }
        guard !spareDescriptors.isEmpty else {
            timer?.arm(after: Self.pause)
            return
        }
        loop.change(registration, to: .readable)
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
