import Bytes
import Glibc
import Net
import Reactor
import TLS
import TLSTesting
import Time

@testable import Sockets

/// A loop that turns when told, with what channels share.
final class World {
    let clock = ManualClock()
    let loop: EventLoop
    let scratch = ScratchBuffers(chunks: ChunkPool())

    init() throws { loop = try EventLoop(clock: .manual(clock)) }

    /// Turns until `isDone`; false if that does not come about.
    func run(until isDone: () -> Bool) -> Bool {
        for _ in 0..<50_000 {
            if isDone() { return true }
            loop.tick(wait: false)
            sched_yield()
        }
        return isDone()
    }

    /// Turns often enough for everything on its way to arrive.
    func settle() {
        for _ in 0..<100 {
            loop.tick(wait: false)
            sched_yield()
        }
    }
}

/// One end of a connection: what it heard, and what it has to say.
final class End: ByteChannelDelegate {
    let channel: ByteChannel
    var opened = 0
    var received: [UInt8] = []
    var closed: [ChannelEnd] = []
    /// What is still to be produced.
    var outgoing: [UInt8] = []
    var producedBytes = 0
    var largestLimit = 0
    var onReceive: () -> Void = {}

    init(_ channel: ByteChannel) {
        self.channel = channel
        channel.attach(self)
    }

    func say(_ bytes: [UInt8]) {
        outgoing += bytes
        channel.markDirty()
    }

    func channelOpened() { opened += 1 }

    func channelReceived(_ input: BufferSlice) {
        received += Array(input.bytes)
        onReceive()
    }

    func channelProduce(into output: inout GatherBuffer, limit: Int) {
        largestLimit = max(largestLimit, limit)
        let portion = Array(outgoing.prefix(limit))
        outgoing.removeFirst(portion.count)
        output.bytes.append(portion)
        producedBytes += portion.count
    }

    func channelClosed(_ end: ChannelEnd) { closed.append(end) }
}

/// A socket that a test reads and writes by hand.
final class RawSocket {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// A connected pair of Unix sockets: one for a channel, one for the test.
    static func pair() -> (AcceptedSocket, RawSocket) {
        var ends: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        return (AcceptedSocket(descriptor: ends[0], peer: .unix("")), RawSocket(ends[1]))
    }

    /// What is there now; `nil` at its end.
    func read(_ count: Int = 1 << 20) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: count)
        switch buffer.withUnsafeMutableBytes({ System.read(descriptor, into: $0) }) {
        case .done(let count): return Array(buffer[..<count])
        case .wouldBlock: return []
        case .ended, .failed: return nil
        }
    }

    func write(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { System.write(descriptor, $0) } }

    func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends with a reset instead of an orderly end.
    func breakOff() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    private var isClosed = false

    func close() {
        guard !isClosed else { return }
        isClosed = true
        Glibc.close(descriptor)
    }

    deinit { close() }
}

func shrinkSendBuffer(_ descriptor: Int32) {
    // The kernel's least, about 4 KiB.
    var size: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
}

func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

/// Contexts for `a.test`, made once: keys take their time.
enum Certificates {
    nonisolated(unsafe) static let authority = TestAuthority("Test Root")

    static func server() throws -> ServerContext {
        let issued = authority.issue("a.test", names: "DNS:a.test")
        let identity = try Identity(chain: issued.certificate, key: issued.key)
        return try ServerContext(
            ServerSettings(listenerName: "public", identities: [identity]),
            ticketKeys: TicketKeys(now: Instant(nanoseconds: 0)))
    }

    static func client() throws -> ClientContext {
        try ClientContext(ClientSettings(authorities: try CertificateAuthorities(pem: authority.pem)))
    }
}
