internal import Bytes
internal import DNS
internal import Net
internal import Reactor
internal import Sockets

/// A question on its way: a socket for each try, and a timer. Ends with its last reference.
final class InquiryRun: DatagramSocketDelegate, ByteChannelDelegate {
    private var inquiry: Inquiry
    private unowned(unsafe) let loop: EventLoop
    private let scratch: ScratchBuffers
    /// Hears of each server whether it answered.
    private let onServerResult: (SocketAddress, Bool) -> Void
    private let completion: (Finding) -> Void
    /// For the numbers of questions, which others must not guess (RFC 5452, section 4.3).
    private var random = SystemRandomNumberGenerator()
    private var timer: Timer?
    private var datagrams: DatagramSocket?
    private var channel: ByteChannel?
    /// What is to be sent on `channel`, and what has been received there (RFC 1035, section 4.2.2: each message behind its length).
    private var outgoing: [UInt8] = []
    private var incoming: [UInt8] = []

    init(
        _ inquiry: Inquiry, on loop: EventLoop, scratch: ScratchBuffers, onServerResult: @escaping (SocketAddress, Bool) -> Void,
        completion: @escaping (Finding) -> Void
    ) {
        self.inquiry = inquiry
        self.onServerResult = onServerResult
        self.loop = loop
        self.scratch = scratch
        self.completion = completion
    }

    deinit { drop() }

    func start() {
        timer = Timer(on: loop) { [unowned self] in fail() }
        take(inquiry.begin(now: loop.now, using: &random))
    }

    private func fail() {
        if let server = inquiry.currentServer { onServerResult(server, false) }
        take(inquiry.failed(now: loop.now, using: &random))
    }

    private func receive(_ message: [UInt8]) {
        let server = inquiry.currentServer
        let step = inquiry.received(message, now: loop.now, using: &random)
        if step != .wait, let server { onServerResult(server, true) }
        take(step)
    }

    private func take(_ first: Inquiry.Step) {
        var step = first
        while true {
            switch step {
            case .wait: return
            case .finished(let finding):
                drop()
                timer = nil
                return completion(finding)
            case .send(let server, let message, let isStream, let end):
                drop()
                do throws(SystemError) {
                    if isStream { try connect(to: server, message) } else { try send(message, to: server) }
                    timer?.arm(at: end)
                    return
                } catch {
                    step = inquiry.failed(now: loop.now, using: &random)
                }
            }
        }
    }

    private func send(_ message: [UInt8], to server: SocketAddress) throws(SystemError) {
        let socket = try DatagramSocket(to: server, on: loop, scratch: scratch)
        socket.delegate = self
        try socket.open()
        datagrams = socket
        // What the kernel does not take is as good as lost on the way.
        _ = message.withUnsafeBytes { socket.send($0) }
    }

    private func connect(to server: SocketAddress, _ message: [UInt8]) throws(SystemError) {
        outgoing = [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
        incoming = []
        let channel = try ByteChannel(connectingTo: server, on: loop, scratch: scratch)
        channel.attach(self)
        self.channel = channel
    }

    private func drop() {
        datagrams?.delegate = nil
        datagrams?.close()
        datagrams = nil
        guard let channel else { return }
        self.channel = nil
        // It must not call back to an owner that may be ending.
        channel.attach(UnheardDelegate.one)
        channel.abort()
    }

    // MARK: DatagramSocketDelegate

    func datagramReceived(_ bytes: UnsafeRawBufferPointer) {
        receive(Array(bytes))
    }

    func datagramFailed(_ code: Int32) { fail() }

    // MARK: ByteChannelDelegate

    func channelOpened() { channel?.markDirty() }

    func channelProduce(into output: inout GatherBuffer, limit: Int) {
        output.bytes.append(outgoing)
        outgoing = []
    }

    func channelReceived(_ input: BufferSlice) {
        incoming += input.bytes
        while incoming.count >= 2, case let end = 2 + (Int(incoming[0]) << 8 | Int(incoming[1])), incoming.count >= end {
            let message = Array(incoming[2..<end])
            incoming.removeFirst(end)
            let isSame = channel
            receive(message)
            guard let isSame, channel === isSame else { return }
        }
    }

    func channelClosed(_ end: ChannelEnd) {
        channel = nil
        fail()
    }
}

/// Hears the last of channels that were given up.
private final class UnheardDelegate: ByteChannelDelegate, Sendable {
    static let one = UnheardDelegate()
    func channelOpened() {}
    func channelReceived(_ input: BufferSlice) {}
    func channelProduce(into output: inout GatherBuffer, limit: Int) {}
    func channelClosed(_ end: ChannelEnd) {}
}
