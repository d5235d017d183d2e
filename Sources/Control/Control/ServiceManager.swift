internal import Glibc
internal import Reactor
internal import Time

/// Tells the service manager that started the process, systemd or what speaks like it, what the process is doing: datagrams to
/// the socket that NOTIFY_SOCKET names (sd_notify(3)).
///
/// Never blocks: a datagram that the socket does not take is sent again a little later, in order.
final class ServiceManager {
    enum State: Equatable {
        /// Started, or done with a reload, whatever became of it.
        case ready
        case reloading
        case stopping
        /// As before; only the text is new.
        case unchanged
    }

    private let descriptor: Int32
    private let name: [UInt8]
    private let loop: EventLoop
    private var waiting: [String] = []
    /// Datagrams that the socket has not taken yet.
    var waitingCount: Int { waiting.count }
    private var timer: Timer?

    /// Texts beyond these are dropped, the oldest first.
    private static let waitingMax = 16
    private static let pace = Duration.milliseconds(50)
    /// What sun_path holds.
    private static let nameBytesMax = 108

    /// - Parameter socket: a path, or `@` and the name of an abstract socket; anything else has no manager behind it. `nil`
    ///   where there is none.
    init?(socket name: String?, on loop: EventLoop, diagnostics: Diagnostics) {
        guard let name, !name.isEmpty else { return nil }
        let bytes = Array(name.utf8)
        // A path ends in a zero byte.
        let room = bytes[0] == UInt8(ascii: "/") ? Self.nameBytesMax - 1 : Self.nameBytesMax
        guard bytes[0] == UInt8(ascii: "/") || bytes[0] == UInt8(ascii: "@"), bytes.count > 1, bytes.count <= room else {
            diagnostics.log("NOTIFY_SOCKET is not used: found \"\(name)\", expected an absolute path, or @ and a name")
            return nil
        }
        descriptor = socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            diagnostics.log("NOTIFY_SOCKET is not used: \(SystemError("socket"))")
            return nil
        }
        self.name = bytes
        self.loop = loop
        timer = Timer(on: loop) { [unowned self] in sendWaiting() }
    }

    deinit {
        timer = nil
        close(descriptor)
    }

    /// - Parameter status: one line for people, which `systemctl status` shows.
    func notify(_ state: State, status: String) {
        let text = "STATUS=" + String(status.map { $0.isNewline ? " " : $0 })
        switch state {
        case .ready: waiting.append("READY=1\n\(text)")
        case .reloading: waiting.append("RELOADING=1\nMONOTONIC_USEC=\(Instant.now().nanoseconds / 1000)\n\(text)")
        case .stopping: waiting.append("STOPPING=1\n\(text)")
        case .unchanged: waiting.append(text)
        }
        if waiting.count > Self.waitingMax { waiting.removeFirst() }
        sendWaiting()
    }

    private func sendWaiting() {
        while let next = waiting.first {
            if let code = send(next), code == EAGAIN || code == ENOBUFS {
                timer?.arm(after: Self.pace)
                return
            }
            // Sent; or the manager is gone, and there is nothing to be done about that.
            waiting.removeFirst()
        }
    }

    /// `nil` where it was sent, or errno.
    private func send(_ text: String) -> Int32? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: name)
            // An abstract name begins with a zero byte, and its length says where it ends.
            if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        }
        let isPath = name[0] == UInt8(ascii: "/")
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (isPath ? 1 : 0))
        let bytes = Array(text.utf8)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        return result < 0 ? ErrorNumber.last : nil
    }
}
