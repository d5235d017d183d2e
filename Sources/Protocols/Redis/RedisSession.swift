package import Bytes
package import Time

/// How to speak to a server once there is a connection.
package struct RedisSettings: Sendable, Equatable {
    /// With a user an ACL's, without one `requirepass`.
    package var user: String?
    package var password: String?
    package var database = 0
    /// From sending to the reply; also for a command that waits for the connection to be made.
    package var timeout = Duration.milliseconds(20)
    package var commandsInFlightMax = 4096
    /// A server that has left a command without a reply for so long after its timeout is taken for dead.
    package var silenceMax = Duration.seconds(5)
    /// A server that says to be a replica, or a Sentinel, is left again at once.
    package var requiresPrimary = false
    /// Of a cluster: MOVED, ASK, TRYAGAIN and CLUSTERDOWN are answers, and no reason to leave it.
    package var isClusterNode = false

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

    private var settings: RedisSettings
    private var link: RedisLink
    private var pipeline: Pipeline
    private var reader = RESPReader()
    /// AUTH and SELECT, which go before everything else.
    private var greetings = ByteBuffer(capacity: 128)
    private var commands = ByteBuffer(capacity: 4096)
    private let greeting = RESPCommand()
    /// Replies that came after their command had expired.
    package private(set) var lateReplies: UInt64 = 0
    /// How many connections have ended, or could not be made.
    package private(set) var losses: UInt32 = 0
    /// Why the last connection ended, for the log.
    package private(set) var lastFailure: RedisFailure?
    /// Since when nothing but passing errors has come.
    private var passingSince: Instant?
    private let reauthentication = Reauthentication()
    /// When the present password is given again on this connection, which the server refused.
    private var reauthenticates: Instant?
    package static let reauthenticationPause = Duration.seconds(1)
    /// Called once for each other password that the server refuses on a connection that is open, with its words.
    package var onRefusedPassword: ((String) -> Void)?
    private var hasToldRefusal = false
    /// What is published on a channel that was subscribed to.
    package var onMessage: ((_ payload: UnsafeRawBufferPointer) -> Void)?

    package init(_ settings: RedisSettings, seed: UInt64) {
        self.settings = settings
        link = RedisLink(seed: seed)
        pipeline = Pipeline(capacity: settings.commandsInFlightMax)
    }

    package var state: RedisLink.State { link.state }
    package var timeout: Duration { settings.timeout }
    package var commandsInFlight: Int { pipeline.count }
    var room: Int { pipeline.capacity - pipeline.count }
    /// For tests.
    package var hasOutput: Bool { !greetings.isEmpty || (link.state == .ready && !commands.isEmpty) }

    // MARK: Commands

    /// Puts `command` in line. Either it is refused at once, with the failure returned and `handler` not called, or
    /// `handler` hears of it exactly once, later.
    package func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant? = nil, now: Instant
    ) -> RedisFailure? {
        if let failure = push(handler, tag, deadline, now: now) { return failure }
        command.write(to: &commands)
        return nil
    }

    /// As `send`, with a command that has been written already.
    package func send(
        encoded command: UnsafeRawBufferPointer, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?, now: Instant
    ) -> RedisFailure? {
        if let failure = push(handler, tag, deadline, now: now) { return failure }
        commands.append(command)
        return nil
    }

    private func push(_ handler: any RedisReplyHandler, _ tag: UInt, _ deadline: Instant?, now: Instant) -> RedisFailure? {
        guard link.takesCommands else { return .notConnected }
        guard !pipeline.isFull else { return .queueFull }
        pipeline.push(Pipeline.Entry(handler: handler, tag: tag, deadline: deadline ?? now + settings.timeout))
        return nil
    }

    /// Another password, for later connections and for this one: the server is told it at once, and again until it accepts it. What
    /// this connection was let in with holds until then.
    package func renew(password: String?, now: Instant) {
        guard password != settings.password else { return }
        settings.password = password
        hasToldRefusal = false
        reauthenticate(now: now)
    }

    private func reauthenticate(now: Instant) {
        reauthenticates = nil
        guard link.state == .ready, settings.password != nil else { return }
        if push(reauthentication, 0, nil, now: now) != nil {
            reauthenticates = now + Self.reauthenticationPause
        } else {
            writeAuthentication(to: &commands)
        }
    }

    private func refused(_ words: String, now: Instant) {
        reauthenticates = now + Self.reauthenticationPause
        guard !hasToldRefusal else { return }
        hasToldRefusal = true
        onRefusedPassword?(withoutPassword(words))
    }

    private func writeAuthentication(to output: inout ByteBuffer) {
        guard let password = settings.password else { return }
        greeting.removeAll()
        greeting.add("AUTH")
        if let user = settings.user { greeting.add(user) }
        greeting.add(password)
        greeting.write(to: &output)
        // The password stays in memory no longer than it must.
        greeting.removeAll()
    }

    // MARK: The connection

    package func opened() {
        var count = 0
        if settings.password != nil {
            writeAuthentication(to: &greetings)
            count += 1
        }
        if settings.database != 0 {
            greeting.removeAll()
            greeting.add("SELECT")
            greeting.add(decimal: UInt64(settings.database))
            greeting.write(to: &greetings)
            count += 1
        }
        if settings.requiresPrimary {
            greeting.removeAll()
            greeting.add("ROLE")
            greeting.write(to: &greetings)
            count += 1
        }
        link.opened(greetings: count)
    }

    /// Bytes from the server. Throws where the connection must be closed.
    package func received(_ bytes: UnsafeRawBufferPointer, now: Instant) throws(RedisFailure) {
        try reader.feed(bytes)
        while let reply = try reader.next() {
            if case .greeting(let left, _) = link.state {
                if left == 1, settings.requiresPrimary {
                    try checkRole(reply)
                } else {
                    guard reply.kind == .status else { throw .refused(withoutPassword(reply.text)) }
                }
                _ = link.greeted()
                continue
            }
            if let onMessage, let payload = reply.publishedPayload {
                onMessage(payload)
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
            if let refusal = reauthentication.takeRefusal() { refused(refusal, now: now) }
            if let unfit { throw unfit }
        }
    }

    /// Where ROLE is not permitted, the first write shows it.
    private func checkRole(_ reply: RedisReply) throws(RedisFailure) {
        guard let role = reply.first, reply.kind == .array else { return }
        if !role.hasPrefix("master") { throw .unfit("the role \(role.text), expected master") }
    }

    /// Why the connection must be closed after this reply, whose owner hears it first.
    private func judge(_ reply: RedisReply, now: Instant) -> RedisFailure? {
        switch reply.kind == .error ? RedisErrorReply(reply, isClusterNode: settings.isClusterNode) : .answer {
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
        losses &+= 1
        passingSince = nil
        reauthenticates = nil
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
        if let due = reauthenticates, due <= now { reauthenticate(now: now) }
        if let refusal = reauthentication.takeRefusal() { refused(refusal, now: now) }
        if link.shouldDial(now: now) { return .dial }
        if link.isLate(now: now) { return .close(.timedOut) }
        if let deadline = pipeline.oldestDeadline, deadline + settings.silenceMax <= now { return .close(.timedOut) }
        return .nothing
    }

    /// When `tick` has something to do again.
    package var nextInstant: Instant? {
        var next = link.nextInstant ?? .distantFuture
        if let reauthenticates { next = min(next, reauthenticates) }
        if let deadline = pipeline.nextDeadline { next = min(next, deadline) }
        if let deadline = pipeline.oldestDeadline { next = min(next, deadline + settings.silenceMax) }
        return next == .distantFuture ? nil : next
    }
}

/// Hears what became of AUTH on a connection that is open already.
private final class Reauthentication: RedisReplyHandler {
    private var refusal: String?

    func redisReplied(_ reply: RedisReply, to tag: UInt) { refusal = reply.kind == .status ? nil : reply.text }
    /// With a connection that is lost it does not matter: the next one begins with the new password.
    func redisFailed(_ failure: RedisFailure, for tag: UInt) { if failure == .timedOut { refusal = "nothing in time" } }

    func takeRefusal() -> String? {
        defer { refusal = nil }
        return refusal
    }
}
