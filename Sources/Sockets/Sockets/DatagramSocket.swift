internal import Bytes
internal import Glibc
package import Net
package import Reactor

/// Receives from a `DatagramSocket`. May release it at any time.
package protocol DatagramSocketDelegate: AnyObject {
    func datagramReceived(_ bytes: UnsafeRawBufferPointer)
    /// Nothing listens there, or nothing leads there: errno. The socket may still be used.
    func datagramFailed(_ code: Int32)
}

/// A UDP socket on a loop, connected to one peer: it receives from no other. Its port is the kernel's choice, at random.
package final class DatagramSocket: EventHandler {
    package weak var delegate: (any DatagramSocketDelegate)?
    private unowned(unsafe) let loop: EventLoop
    private unowned(unsafe) let scratch: ScratchBuffers
    private let descriptor: Int32
    private var registration: EventLoop.Registration?
    /// Datagrams that are taken in one tick.
    private static let readBudget = 16

    package init(to peer: SocketAddress, on loop: EventLoop, scratch: ScratchBuffers) throws(SystemError) {
        self.loop = loop
        self.scratch = scratch
        descriptor = socket(
            peer.family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw DescriptorShortage.socketFailed() }
        let descriptor = descriptor
        guard peer.withSockaddr({ connect(descriptor, $0, $1) }) == 0 else {
            let error = SystemError("connect")
            Glibc.close(descriptor)
            throw error
        }
    }

    /// The loop holds what it watches: `close` ends that.
    package func open() throws(SystemError) { registration = try loop.register(descriptor, for: .readable, self) }

    /// One datagram, now. False where the kernel does not take it.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if case .done = System.write(descriptor, bytes) { true } else { false }
    }

    package func ready(_ events: Readiness) {
        let input = scratch.nextInput()
        for _ in 0..<Self.readBudget {
            guard registration != nil else { return }
            switch System.read(descriptor, into: input.memory) {
            case .done(let count): delegate?.datagramReceived(input.first(count).bytes)
            // An empty datagram.
            case .ended: continue
            case .wouldBlock: return
            case .failed(let code): delegate?.datagramFailed(code)
            }
        }
    }

    package func close() {
        guard let registration else { return }
        self.registration = nil
        loop.deregister(registration)
    }

    deinit {
        close()
        Glibc.close(descriptor)
    }
}
