package import Bytes
package import Time

/// How to speak to a server once there is a connection.
package struct RedisSettings {
    /// With a user an ACL's, without one `requirepass`.
    package var user: String?
    package var password: String?
    package var database = 0
    /// From sending to the reply; also for a command that waits for the connection to be made.
    package var timeout = Duration.milliseconds(20)
    package var commandsInFlightMax = 4096
    /// A server that has left a command without a reply for so long after its timeout is taken for dead.
    package var silenceMax = Duration.seconds(5)

    package init() {}

    package static let defaults = RedisSettings()
}

/// A client's side of RESP2 without its socket: commands in, bytes out; bytes in, replies and failures out.
///
/// `RedisClient` gives it a channel and a clock. A handler may send from within a reply or a failure. Owned by one thread.
package final class RedisSession {
    /// What the owner of the socket must do now.
    package enum Action: Equatable {
        case nothing
        case dial
        /// Close the connection without waiting, then say `closed`.
        case close(RedisFailure)
    }

    private let settings: RedisSettings
    private var link: RedisLink
    private var pipeline: Pipeline
    private var reader = RESPReader()
    /// AUTH and SELECT, which go before everything else.
    private var greetings = ByteBuffer(capacity: 128)
    private var commands = ByteBuffer(capacity: 4096)
    private let greeting = RESPCommand()
    /// Replies that came after their command had expired.
    package private(set) var lateReplies: UInt64 = 0
    /// Why the last connection ended, for the log.
    package private(set) var lastFailure: RedisFailure?
    /// Since when nothing but passing errors has come.
    private var passingSince: Instant?

    package init(_ settings: RedisSettings, seed: UInt64) {
        self.settings = settings
        link = RedisLink(seed: seed)
        pipeline = Pipeline(capacity: settings.commandsInFlightMax)
    }

    package var state: RedisLink.State { link.state }
    package var timeout: Duration { settings.timeout }
    package var commandsInFlight: Int { pipeline.count }
    /// For tests.
    package var hasOutput: Bool { !greetings.isEmpty || (link.state == .ready && !commands.isEmpty) }

    // MARK: Commands

    /// Puts `command` in line. Either it is refused at once, with the failure returned and `handler` not called, or
    /// `handler` hears of it exactly once, later.
    package func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant? = nil, now: Instant
    ) -> RedisFailure? {
        guard link.takesCommands else { return .notConnected }
        guard !pipeline.isFull else { return .queueFull }
        pipeline.push(Pipeline.Entry(handler: handler, tag: tag, deadline: deadline ?? now + settings.timeout))
        command.write(to: &commands)
        return nil
    }

    // MARK: The connection

    package func opened() {
        var count = 0
        if let password = settings.password {
            greeting.removeAll()
            greeting.add("AUTH")
            if let user = settings.user { greeting.add(user) }
            greeting.add(password)
            greeting.write(to: &greetings)
            count += 1
        }
        if settings.database != 0 {
            greeting.removeAll()
            greeting.add("SELECT")
            greeting.add(decimal: UInt64(settings.database))
            greeting.write(to: &greetings)
            count += 1
        }
        // The password stays in memory no longer than it must.
        greeting.removeAll()
        link.opened(greetings: count)
    }

    /// Bytes from the server. Throws where the connection must be closed.
    package func received(_ bytes: UnsafeRawBufferPointer, now: Instant) throws(RedisFailure) {
        try reader.feed(bytes)
        while let reply = try reader.next() {
            if case .greeting = link.state {
                guard reply.kind == .status else { throw .refused(withoutPassword(reply.text)) }
                _ = link.greeted()
                continue
            }
            let unfit = judge(reply, now: now)
            switch pipeline.answered() {
            case .deliver(let entry): entry.handler.redisReplied(reply, to: entry.tag)
            case .swallow: lateReplies += 1
            // A server that has no room for us says so unasked.
            case .unexpected where reply.kind == .error: throw .refused(withoutPassword(reply.text))
            case .unexpected: throw .malformedReply("a reply to no command")
            }
            if let unfit { throw unfit }
        }
    }

    /// Why the connection must be closed after this reply, whose owner hears it first.
    private func judge(_ reply: RedisReply, now: Instant) -> RedisFailure? {
        switch reply.kind == .error ? RedisErrorReply(reply) : .answer {
        case .reconnect: return .unfit(reply.text)
        case .passing:
            guard let since = passingSince else {
                passingSince = now
                return nil
            }
            return since + .nanoseconds(RedisErrorReply.lastingMax) <= now ? .unfit(reply.text) : nil
        case .answer:
            passingSince = nil
            link.served()
            return nil
        }
    }

    /// What a server says may quote what it was sent.
    private func withoutPassword(_ words: String) -> String {
        guard let password = settings.password, !password.isEmpty else { return words }
        return words.replacing(password, with: "…")
    }

    /// Appends what is to be sent now, `limit` bytes at most.
    package func produce(into output: inout ByteBuffer, limit: Int) {
        if !greetings.isEmpty {
            output.append(greetings.readable)
            greetings.removeAll()
        }
        // Nothing of a caller's goes out before the server has let us in.
        guard link.state == .ready, !commands.isEmpty else { return }
        let count = min(limit, commands.count)
        output.append(UnsafeRawBufferPointer(rebasing: commands.readable[..<count]))
        commands.consume(count)
        commands.shrink(to: 256 << 10)
    }

    /// The connection has ended, or could not be made. Every command in flight fails: whether it was carried out is
    /// unknown.
    package func closed(_ failure: RedisFailure, now: Instant) {
        lastFailure = failure
        passingSince = nil
        link.lost(now: now)
        greetings.removeAll()
        commands.removeAll()
        commands.shrink(to: 256 << 10)
        reader = RESPReader()
        while let entry = pipeline.abandon() { entry.handler.redisFailed(.connectionLost, for: entry.tag) }
    }

    // MARK: Time

    /// To be called when `nextInstant` has come: tells expired commands so, and says what else is due.
    package func tick(now: Instant) -> Action {
        while let entry = pipeline.expire(now: now) { entry.handler.redisFailed(.timedOut, for: entry.tag) }
        if link.shouldDial(now: now) { return .dial }
        if link.isLate(now: now) { return .close(.timedOut) }
        if let deadline = pipeline.oldestDeadline, deadline + settings.silenceMax <= now { return .close(.timedOut) }
        return .nothing
    }

    /// When `tick` has something to do again.
    package var nextInstant: Instant? {
        var next = link.nextInstant ?? .distantFuture
        if let deadline = pipeline.nextDeadline { next = min(next, deadline) }
        if let deadline = pipeline.oldestDeadline { next = min(next, deadline + settings.silenceMax) }
        return next == .distantFuture ? nil : next
    }
}
