internal import CLinux
internal import Glibc
package import Reactor

/// A socket that accepts connections on a loop, at most `acceptsPerTick` a tick so that no other event waits long for a storm
/// of them.
///
/// Without a descriptor for a connection it gives up a spare one: to refuse the connection at once, or, where `servesFromSpares`,
/// to serve it. Without a spare, and where the kernel has another reason to give nothing, it pauses:
///
///     accepting ──none to be had──▶ paused, 100 ms ──spare taken back──▶ accepting
///                                     ▲         └──still none──┐
///                                     └────────────────────────┘
///
/// Several workers may each have one on the same address (SO_REUSEPORT): the kernel spreads connections by their hash.
package final class ListeningSocket: EventHandler {
    /// What the kernel chose where port 0 was asked for.
    package let address: SocketAddress
    /// Kept in reserve for the time when descriptors run out.
    package private(set) var spareDescriptors: [Int32] = []

    private let descriptor: Int32
    private unowned let loop: EventLoop
    private var registration: EventLoop.Registration?
    private let accepted: (AcceptedSocket) -> Void
    private static let acceptsPerTick = 64
    private static let backlog: Int32 = 4096
    private static let pause = Duration.milliseconds(100)
    private let sparesMax: Int
    private let servesFromSpares: Bool
    /// Armed while it is paused.
    private var timer: Timer?

    /// - Parameters:
    ///   - isReserved: a `PortReservation` holds the address for this one, and for others of this process.
    ///   - servesFromSpares: how many connections are served when there is no descriptor left for them; 0 refuses them.
    ///   - accepted: takes over the socket.
    package init(
        on loop: EventLoop, at wanted: SocketAddress, isReserved: Bool = false, servesFromSpares: Int = 0,
        accepted: @escaping (AcceptedSocket) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.accepted = accepted
        self.servesFromSpares = servesFromSpares > 0
        sparesMax = max(1, servesFromSpares)
        (descriptor, address) = try Self.bound(wanted, isReserved: isReserved)
        guard listen(descriptor, Self.backlog) == 0 else {
            let error = SystemError("listen")
            Glibc.close(descriptor)
            throw error
        }
        while takeSpare() {}
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
        timer = nil
        loop.deregister(registration)
        Glibc.close(descriptor)
        if case .unix(let path) = address { unlink(path) }
    }

    package func ready(_ events: Readiness) {
        if spareDescriptors.count < sparesMax { _ = takeSpare() }
        for _ in 0..<Self.acceptsPerTick {
            guard registration != nil else { return }
            if let socket = accept() {
                accepted(socket)
                continue
            }
            switch System.interpret() {
            case nil, .failed(ECONNABORTED), .failed(EPROTO): continue
            case .failed(let code):
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
        if servesFromSpares {
            accepted(socket)
            return true
        }
        socket.refuse()
        return takeSpare()
    }

    private func takeSpare() -> Bool {
        guard spareDescriptors.count < sparesMax else { return false }
        let spare = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        if spare >= 0 { spareDescriptors.append(spare) }
        return spare >= 0
    }

    private func pauseAccepting() {
        guard let registration else { return }
        loop.change(registration, to: [])
        timer?.arm(after: Self.pause)
    }

    private func resume() {
        guard let registration else { return }
        guard takeSpare() || !spareDescriptors.isEmpty else {
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
