internal import Glibc
internal import Reactor
internal import Synchronization

/// How often this process could not make a socket, or accept one, for lack of descriptors or of the kernel's memory.
///
/// One for the process, because the limit is: the control thread checks once a second and logs it.
package enum DescriptorShortage {
    private static let accepts = Atomic<UInt64>(0)
    private static let sockets = Atomic<UInt64>(0)
    private static let code = Atomic<Int32>(0)

    /// Connections that were not accepted: refused, or left to wait.
    package static var acceptsFailed: UInt64 { accepts.load(ordering: .relaxed) }
    /// Sockets that could not be made: to upstreams, limit stores, name servers and key servers.
    package static var socketsFailed: UInt64 { sockets.load(ordering: .relaxed) }
    /// The last one's errno.
    package static var lastCode: Int32 { code.load(ordering: .relaxed) }

    /// A shortage of this process, no failure of the peer.
    package static func isShortage(_ code: Int32) -> Bool {
        code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
    }

    static func acceptFailed(_ code: Int32) {
        guard isShortage(code) else { return }
        accepts.wrappingAdd(1, ordering: .relaxed)
        Self.code.store(code, ordering: .relaxed)
    }

    /// Why `socket(2)` has just failed, counted where it is a shortage.
    static func socketFailed() -> SystemError {
        let error = SystemError("socket")
        guard isShortage(error.code) else { return error }
        sockets.wrappingAdd(1, ordering: .relaxed)
        code.store(error.code, ordering: .relaxed)
        return error
    }
}
