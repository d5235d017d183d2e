package import Bytes
package import Reactor
package import Sockets
package import Time

/// A pipelined connection to one Redis server, made again whenever it breaks. Never blocks.
///
/// Commands of one tick leave in one write. One per worker; used by that worker alone.
package final class RedisClient: RedisConnector, ByteChannelDelegate {
    private let session: RedisSession
    private unowned(unsafe) let loop: EventLoop
    private let dialer: any ChannelSource
    private var channel: ByteChannel?
    private var timer: Timer?
    /// When the timer fires; in the distant future where it is not armed.
    private var wakes = Instant.distantFuture
    /// Distinguishes a connection that completes too late from the current attempt.
    private var dialNumber: UInt64 = 0
    private var isClosed = false
    /// Why we are closing the channel.
    private var losing: RedisFailure?
    /// The server has sent something on this connection.
    private var hasReceived = false
    /// Called with the reason whenever a connection ended; for the log.
    package var onLost: ((RedisFailure) -> Void)?
    /// Called whenever the server has let us in.
    var onReady: (() -> Void)?

    package init(_ settings: RedisSettings, dialer: any ChannelSource, on loop: EventLoop, seed: UInt64) {
        session = RedisSession(settings, seed: seed)
        self.loop = loop
        self.dialer = dialer
        timer = Timer(on: loop) { [unowned self] in self.tick() }
        tick()
    }

    deinit {
        isClosed = true
        channel?.abort()
    }

    package var isReady: Bool { session.state == .ready }
    package var commandsInFlight: Int { session.commandsInFlight }
    /// How many commands more may be in flight.
    var room: Int { session.room }
    package var lateReplies: UInt64 { session.lateReplies }
    package var lastFailure: RedisFailure? { session.lastFailure }

    package var now: Instant { loop.now }
    package var wall: WallTime { loop.wall }

    package var timeout: Duration { session.timeout }

    package func generation(of slot: ClusterSlot) -> UInt64 { UInt64(session.losses) }

    package func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure? {
        if let failure = session.send(command, handler, tag: tag, by: deadline, now: loop.now) { return failure }
        channel?.markDirty()
        arm()
        return nil
    }

    /// As `send`, with a command that has been written already.
    func send(
        encoded command: UnsafeRawBufferPointer, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure? {
        if let failure = session.send(encoded: command, handler, tag: tag, by: deadline, now: loop.now) { return failure }
        channel?.markDirty()
        arm()
        return nil
    }

    package var onRefusedPassword: ((String) -> Void)? {
        get { session.onRefusedPassword }
        set { session.onRefusedPassword = newValue }
    }

    /// What is published on a channel that was subscribed to.
    var onMessage: ((_ payload: UnsafeRawBufferPointer) -> Void)? {
        get { session.onMessage }
        set { session.onMessage = newValue }
    }

    package func renew(_ passwords: RedisPasswords) {
        session.renew(password: passwords.server, now: loop.now)
        channel?.markDirty()
        arm()
    }

    /// Leaves this server: another has taken its place. What is in flight fails. Not from within a reply.
    func leave(_ failure: RedisFailure) {
        guard !isClosed else { return }
        lose(failure)
    }

    /// Ends for good; what is in flight fails. Not from within a reply.
    package func close() {
        isClosed = true
        timer?.disarm()
        wakes = .distantFuture
        lose(.notConnected)
    }

    // MARK: The channel

    package func channelOpened() {
        session.opened()
        channel?.markDirty()
        arm()
    }

    package func channelReceived(_ input: BufferSlice) {
        let wasReady = isReady
        hasReceived = true
        do {
            try session.received(input.bytes, now: loop.now)
        } catch {
            return lose(error)
        }
        if !wasReady, isReady {
            channel?.markDirty()
            onReady?()
            arm()
        }
    }

    package func channelProduce(into output: inout GatherBuffer, limit: Int) {
        session.produce(into: &output.bytes, limit: limit)
    }

    package func channelClosed(_ end: ChannelEnd) {
        channel = nil
        var failure = losing ?? .connectionLost
        // After the server has sent something, any end is a lost connection.
        if losing == nil, !hasReceived, let reason = end.reason {
            if case .security = end { failure = .security(reason) } else { failure = .unreachable(reason) }
        }
        losing = nil
        hasReceived = false
        lost(failure)
    }

    // MARK: Time

    private func tick() {
        wakes = .distantFuture
        guard !isClosed else { return }
        switch session.tick(now: loop.now) {
        case .nothing: break
        case .dial: dial()
        case .close(.timedOut) where channel?.isHandshaking == true: lose(.security("no answer to the handshake"))
        case .close(let failure): lose(failure)
        }
        arm()
    }

    /// Makes `tick` run in time for what is due next: a command's timeout may be due long before the end of a
    /// connection attempt, or of a server's silence, that the timer is set to. A tick that comes too early does nothing,
    /// which is cheaper than moving the timer with every reply.
    private func arm() {
        guard !isClosed, let next = session.nextInstant, next < wakes else { return }
        wakes = next
        timer?.arm(at: next)
    }

    private func dial() {
        dialNumber += 1
        let number = dialNumber
        dialer.dial { [weak self] channel in
            guard let self, number == self.dialNumber, !self.isClosed, self.channel == nil else {
                channel?.abort()
                return
            }
            guard let channel else { return self.lost(self.dialer.failure ?? .notConnected) }
            self.channel = channel
            channel.attach(self)
            if channel.isOpen { self.channelOpened() }
        }
    }

    /// Aborts the connection, or the attempt at one.
    private func lose(_ failure: RedisFailure) {
        guard let channel else { return lost(failure) }
        losing = failure
        // Comes back through `channelClosed` before it returns.
        channel.abort()
    }

    private func lost(_ failure: RedisFailure) {
        dialNumber += 1
        session.closed(failure, now: loop.now)
        guard !isClosed else { return }
        onLost?(failure)
        arm()
    }
}
