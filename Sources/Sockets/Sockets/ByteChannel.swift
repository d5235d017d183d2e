package import Bytes
internal import CLinux
internal import Glibc
package import Net
package import Reactor
package import TLS
internal import Time

/// A connected socket on a loop: bytes in and out, never blocking; a read a tick, or a few where much has come, and one write a flush.
///
/// A delegate with something to send calls `markDirty`; at the end of the tick the channel asks it for bytes and writes
/// them. While the socket is full it asks no further, which is how back-pressure reaches the codec above.
package final class ByteChannel: EventHandler, Flushable {
    package private(set) unowned(unsafe) var delegate: (any ByteChannelDelegate)?
    package let peer: SocketAddress?
    /// When the socket last took some bytes, or bytes began to wait for it, in nanoseconds of the loop's clock: for finding
    /// peers that stopped reading.
    package private(set) var lastProgress: UInt64

    /// Both outlive every channel, and are reached at every read and write without counting references.
    private let loop: Borrowed<EventLoop>
    private let scratch: Borrowed<ScratchBuffers>
    let descriptor: Int32
    private var registration: EventLoop.Registration?
    private var interest: Readiness
    private var state: State
    private var isDirty = false
    private var isReadingPaused = false
    /// After our last byte the peer may still send, unread, until it has closed too.
    private var awaitsPeerEnd = false
    /// Our side has been ended.
    private var hasEndedOutput = false
    /// What the socket did not take, or what TLS has queued for the next flush.
    private var pending: Remainder?
    /// The socket is full: `flush` waits until it can take more.
    private var isBlocked = false
    /// The delegate has something to do at the end of the tick that needs no room.
    private var isInterrupted = false
    let security: Security?

    private enum State { case connecting, handshaking, open, closing, closed }

    /// Takes over an accepted, non-blocking socket. With `tls` the delegate gets `channelOpened` after the handshake,
    /// without it the channel is open from the beginning.
    package init(
        _ socket: AcceptedSocket, tls: ServerContext? = nil, on loop: EventLoop, scratch: ScratchBuffers
    ) throws(SystemError) {
        self.loop = Borrowed(loop)
        self.scratch = Borrowed(scratch)
        lastProgress = loop.now.nanoseconds
        descriptor = socket.descriptor
        peer = socket.peer
        security = tls.map { Security($0.makeSession()) }
        state = tls == nil ? .open : .handshaking
        interest = .readable
        Self.tune(descriptor, socket.peer)
        do {
            registration = try loop.register(descriptor, for: interest, self)
        } catch {
            socket.refuse()
            throw error
        }
    }

    /// Begins to connect; success is `channelOpened`, failure `channelClosed(.unreachable)`.
    package init(
        connectingTo address: SocketAddress, tls: (context: ClientContext, name: ServerName)? = nil, on loop: EventLoop,
        scratch: ScratchBuffers
    ) throws(SystemError) {
        self.loop = Borrowed(loop)
        self.scratch = Borrowed(scratch)
        lastProgress = loop.now.nanoseconds
        peer = address
        security = tls.map { Security($0.context.makeSession(to: $0.name)) }
        descriptor = socket(
            address.family,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw DescriptorShortage.socketFailed() }
        Self.tune(descriptor, address)
        state = .connecting
        interest = .writable
        let descriptor = descriptor
        if address.withSockaddr({ connect(descriptor, $0, $1) }) != 0 {
            let error = SystemError("connect")
            // EAGAIN is a Unix socket whose queue is full: refused, there is nothing to wait for.
            guard error.code == EINPROGRESS else {
                Glibc.close(descriptor)
                throw error
            }
        }
        do {
            registration = try loop.register(descriptor, for: interest, self)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    private static func tune(_ descriptor: Int32, _ address: SocketAddress?) {
        if case .unix = address { return }
        var one: Int32 = 1
        // Fails only where the peer has closed already, which the next read reports.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// How long sent bytes may stay unacknowledged before the kernel gives the connection up (gRFC A18).
    package func setUserTimeout(_ milliseconds: UInt32 = 20_000) {
        if case .unix = peer { return }
        var value = milliseconds
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, socklen_t(MemoryLayout<UInt32>.size))
    }

    package func attach(_ delegate: any ByteChannelDelegate) { self.delegate = delegate }

    package var isOpen: Bool { state == .open }
    /// Connected, and TLS not done yet.
    package var isHandshaking: Bool { state == .handshaking }
    /// Bytes that the socket would not take yet.
    package var pendingBytes: Int { pending?.bytes.count ?? 0 }

    // MARK: Output

    /// Asks for `channelProduce` at the end of this tick.
    @inline(__always)
    package func markDirty() {
        if isDirty { return }
        isDirty = true
        loop { $0.markDirty(self) }
    }

    /// As `markDirty`, but `channelInterrupted` comes instead where the socket is full.
    package func interrupt() {
        isInterrupted = true
        markDirty()
    }

    private func interruptDelegate() {
        guard isInterrupted else { return }
        isInterrupted = false
        delegate?.channelInterrupted()
    }

    package func flush() {
        isDirty = false
        switch state {
        case .open: break
        case .closing where hasEndedOutput: return
        case .closing: break
        case .handshaking:
            if pending != nil { _ = writePending() }
            return
        case .connecting, .closed: return
        }
        if isBlocked, !writePending() { return interruptDelegate() }
        guard scratch({ writeProduced($0) }) else { return }
        if pending != nil, !writePending() { return }
        if state == .closing { finishClosing() }
    }

    /// False where the socket took less than everything, or the channel has ended.
    @inline(__always)
    private func writeProduced(_ scratch: ScratchBuffers) -> Bool {
        // TLS makes records of bytes in a row.
        scratch.output.takesChunks = security == nil
        while let delegate {
            delegate.channelProduce(into: &scratch.output, limit: ScratchBuffers.writeBytes)
            let produced = scratch.output.count
            if produced == 0 { break }
            defer { scratch.output.removeAll() }
            if state == .closed { return false }
            guard security == nil ? sendPlainly(scratch) : sendSecurely(scratch) else { return false }
            // Less than was asked for: there is no more at present.
            if produced < ScratchBuffers.writeBytes { break }
        }
        return true
    }

    /// Encrypts what was produced, behind what TLS itself has queued, and sends both with one write.
    private func sendSecurely(_ scratch: ScratchBuffers) -> Bool {
        defer { scratch.ciphertext.removeAll() }
        if let held = pending {
            scratch.ciphertext.append(held.bytes.readable)
            pending = nil
        }
        do {
            try security!.session.write(scratch.output.bytes.readable, into: &scratch.ciphertext)
        } catch {
            end(.security(error.description))
            return false
        }
        let ciphertext = scratch.ciphertext.readable
        return sent(System.write(descriptor, ciphertext), of: ciphertext.count) { body in body(ciphertext) }
    }

    @inline(__always)
    private func sendPlainly(_ scratch: ScratchBuffers) -> Bool {
        sent(scratch.output.write(to: descriptor), of: scratch.output.count) { scratch.output.forEachPiece($0) }
    }

    /// Everything is sent: close_notify, where there is TLS, and the end. The peer's is not waited for.
    private func finishClosing() {
        if let security {
            scratch { scratch in
                security.session.close(into: &scratch.ciphertext)
                _ = System.write(descriptor, scratch.ciphertext.readable)
                scratch.ciphertext.removeAll()
            }
        }
        guard awaitsPeerEnd else { return end(.local) }
        awaitsPeerEnd = false
        hasEndedOutput = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// False where the socket took less than everything; the rest is kept.
    private func sent(
        _ attempt: IOResult, of whole: Int, _ forEachPiece: ((UnsafeRawBufferPointer) -> Void) -> Void
    ) -> Bool {
        var taken = 0
        switch attempt {
        case .done(let count) where count == whole:
            lastProgress = loop { $0.now.nanoseconds }
            return true
        case .done(let count):
            lastProgress = loop { $0.now.nanoseconds }
            taken = count
            fallthrough
        case .wouldBlock:
            forEachPiece { piece in
                if piece.count > taken { keep(UnsafeRawBufferPointer(rebasing: piece[taken...])) }
                taken = max(0, taken - piece.count)
            }
            waitForRoom()
        case .failed(let code):
            end(.broken(code))
        case .ended:
            break
        }
        return false
    }

    private func keep(_ rest: UnsafeRawBufferPointer) {
        if let pending { return pending.bytes.append(rest) }
        pending = Remainder(rest)
        lastProgress = loop { $0.now.nanoseconds }
    }

    private func waitForRoom() {
        isBlocked = true
        watch(interest.union(.writable))
    }

    /// False where bytes still wait, or the channel has ended.
    private func writePending() -> Bool {
        switch System.write(descriptor, pending!.bytes.readable) {
        case .done(let count):
            lastProgress = loop { $0.now.nanoseconds }
            pending!.bytes.consume(count)
            guard pending!.bytes.isEmpty else {
                waitForRoom()
                return false
            }
            pending = nil
            isBlocked = false
            watch(interest.subtracting(.writable))
            return true
        case .wouldBlock, .ended:
            waitForRoom()
            return false
        case .failed(let code):
            end(.broken(code))
            return false
        }
    }

    // MARK: Input

    package func ready(_ events: Readiness) {
        if state == .connecting {
            finishConnecting()
            return
        }
        if events.contains(.writable), isBlocked { markDirty() }
        guard !isReadingPaused, !events.isDisjoint(with: .readableOrBroken) else {
            if isReadingPaused, !events.isDisjoint(with: .broken) { end(.broken(0)) }
            return
        }
        for _ in 0..<ScratchBuffers.readsMax {
            guard readOnce(), state == .open, !isReadingPaused else { return }
        }
    }

    /// True where the buffer was filled: there may be more.
    @inline(__always)
    private func readOnce() -> Bool {
        let input = scratch { $0.nextInput() }
        switch System.read(descriptor, into: input.memory) {
        case .done(let count):
            receive(input.first(count))
            return count == ChunkPool.readBufferBytes
        case .wouldBlock: break
        case .ended: endOfInput()
        case .failed(let code): end(.broken(code))
        }
        return false
    }

    /// The peer's side of the socket is over; under TLS that is in order only after its close_notify.
    private func endOfInput() {
        guard let security else { return end(.peer) }
        do {
            try security.session.connectionEnded()
            end(.peer)
        } catch {
            end(.security(error.description))
        }
    }

    private func receive(_ input: BufferSlice) {
        if security != nil { return scratch { receiveSecurely(input.bytes, $0) } }
        // What still arrives while we close is of no interest.
        guard state == .open, let delegate else { return }
        delegate.channelReceived(input)
    }

    private func receiveSecurely(_ bytes: UnsafeRawBufferPointer, _ scratch: ScratchBuffers) {
        var ciphertext = bytes
        do throws(SessionFailure) {
            if state == .handshaking {
                let isDone = try security!.session.handshake(&ciphertext, into: &scratch.ciphertext)
                queueOwnMessages(scratch)
                guard isDone else { return }
                state = .open
                delegate?.channelOpened()
            }
            while state == .open || state == .closing {
                let plaintext = scratch.nextPlaintext()
                let result = try security!.session.read(&ciphertext, plaintext: plaintext.memory, into: &scratch.ciphertext)
                queueOwnMessages(scratch)
                if result.count > 0, state == .open {
                    delegate?.channelReceived(plaintext.first(result.count))
                }
                switch result.next {
                case .readAgain: continue
                case .needsCiphertext: return
                case .closed: return end(.peer)
                }
            }
        } catch {
            // What explains it (an alert) goes out if the socket takes it; it is not waited for.
            queueOwnMessages(scratch)
            if let pending, !isBlocked { _ = System.write(descriptor, pending.bytes.readable) }
            end(.security(error.description))
        }
    }

    /// Handshake messages, tickets and alerts wait for the flush, to be sent in one write with the codec's output.
    private func queueOwnMessages(_ scratch: ScratchBuffers) {
        guard !scratch.ciphertext.isEmpty else { return }
        keep(scratch.ciphertext.readable)
        scratch.ciphertext.removeAll()
        markDirty()
    }

    private func finishConnecting() {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { return end(.unreachable(code)) }
        watch(.readable)
        guard security != nil else {
            state = .open
            delegate?.channelOpened()
            return
        }
        state = .handshaking
        scratch { receiveSecurely(UnsafeRawBufferPointer(start: nil, count: 0), $0) }
    }

    /// Holds reading until `resumeReading`: only with a named buffer above that is over its mark.
    package func pauseReading() {
        guard !isReadingPaused, registration != nil else { return }
        isReadingPaused = true
        watch(interest.subtracting(.readable))
    }

    package func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        watch(interest.union(.readable))
    }

    private func watch(_ wanted: Readiness) {
        guard wanted != interest, let registration else { return }
        interest = wanted
        loop { $0.change(registration, to: wanted) }
    }

    // MARK: Ending

    /// Closes once everything produced has been sent.
    package func close() {
        switch state {
        case .open:
            state = .closing
            markDirty()
        case .connecting, .handshaking: end(.local)
        case .closing, .closed: break
        }
    }

    /// As `close`, but what the peer still sends is read and dropped until it closes: a socket closed over unread bytes
    /// is reset, and takes what the peer has not read with it. The owner sees to it that this does not last.
    package func closeAfterPeer() {
        awaitsPeerEnd = true
        resumeReading()
        close()
    }

    /// Everything has been queued for sending.
    package var isClosing: Bool { state == .closing }

    /// Closes now; what was not sent is lost.
    package func abort() { end(.local) }

    /// Closes now, and so that the peer cannot take it for an end in order.
    package func reset() {
        guard state != .closed else { return }
        var none = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
        end(.local)
    }

    private func end(_ reason: ChannelEnd) {
        guard state != .closed else { return }
        state = .closed
        if let registration {
            self.registration = nil
            loop { $0.deregister(registration) }
        }
        Glibc.close(descriptor)
        pending = nil
        let delegate = delegate
        self.delegate = nil
        delegate?.channelClosed(reason)
    }
}
