internal import Time

/// The life of a caller's connection, from its first byte to its last: what it may wait for, how long, and how it is drained.
///
///     greeting ──preface, or a request's first byte──▶ serving ──idle, age, wish──▶ announced ──pong, or 1 s──▶ draining
///        │                                                │ HTTP/1.1: the answer under way is the last             │ last stream
///        │ handshake                                      ▼                                                       ▼
///        └──────────▶ aborted ◀──stall, from anywhere──── leaving ◀───────────────────────────────────────────── done
///
/// In HTTP/2 it announces with GOAWAY(2³¹−1) and a PING, and names the true last stream only after the answer to the PING: a
/// request already on the wire is served, not lost (RFC 9113, section 6.8). Pure: no socket; times are nanoseconds of one clock.
struct ConnectionLifecycle {
    private(set) var drain = Drain.serving
    /// It is to be drained, whether or not that has been announced.
    private(set) var isDraining = false
    private var codec = Codec.undecided
    /// The peer's preface and SETTINGS, or the beginning of a request line, have come.
    private(set) var hasReceivedPreface = false
    /// When the last stream ended, or the connection began.
    private(set) var idleSince: UInt64
    /// When leaving was announced, while its answer is awaited; 0 for never.
    private var announcedAt: UInt64 = 0
    /// When it has reached its age, and when its calls have had their grace; 0 for never.
    private var agesAt: UInt64 = 0
    private var graceEndsAt: UInt64 = 0
    /// When our last bytes were queued: then the peer has a little while to close.
    private var closingSince: UInt64 = 0

    enum Drain { case serving, announced, draining, done }
    enum Codec { case undecided, http2, http1 }

    /// Performed in this order; after `abort` nothing follows.
    struct Actions: OptionSet {
        let rawValue: UInt16
        /// Every stream is notified that the peer takes nothing.
        static let notifyStalled = Actions(rawValue: 1)
        static let abort = Actions(rawValue: 2)
        /// GOAWAY with the highest identifier, and a PING.
        static let announce = Actions(rawValue: 4)
        /// The call under way is the last (HTTP/1.1).
        static let endAfterCurrentCall = Actions(rawValue: 8)
        /// It has reached its age.
        static let countAge = Actions(rawValue: 16)
        static let refuseSlowHead = Actions(rawValue: 32)
        /// GOAWAY with the last stream that was begun.
        static let nameLastStream = Actions(rawValue: 64)
        /// It never carried anything.
        static let close = Actions(rawValue: 128)
        /// The caller may still be sending, and is to read the last answer.
        static let closeAfterPeer = Actions(rawValue: 256)
        /// The calls that run end.
        static let endStreams = Actions(rawValue: 512)
        /// Each stream is looked at.
        static let sweepStreams = Actions(rawValue: 1024)

        /// Those that produce output.
        static let withOutput: Actions = [.announce, .endAfterCurrentCall, .refuseSlowHead, .nameLastStream]
    }

    /// How the connection stands when it is looked at.
    struct Facts {
        var openStreams: Int
        /// Bytes that the socket has not taken, and when it last took some.
        var pendingBytes: Int
        var lastProgress: UInt64
        /// Everything has been queued for sending.
        var isClosing: Bool
        /// When the first byte of an HTTP/1.1 head came that is not complete.
        var headSince: UInt64?
    }

    struct Limits {
        var handshake: Duration?
        var idle: Duration?
        var stall: Duration?
        var ageGrace: Duration?
    }

    /// How long an announced drain waits for its PING's answer, and an answered caller may take to close.
    private static let closeGrace: UInt64 = 1_000_000_000

    /// - Parameter age: after how long it takes no more calls; `nil` for never.
    init(now: UInt64, age: UInt64?) {
        idleSince = now
        if let age { agesAt = now &+ age }
    }

    // MARK: Events

    mutating func codecChosen(_ codec: Codec) -> Actions {
        self.codec = codec
        return isDraining ? startDraining(now: announcedAt) : []
    }

    mutating func prefaceReceived() { hasReceivedPreface = true }

    /// It is to be drained.
    mutating func drain(now: UInt64) -> Actions {
        isDraining = true
        return startDraining(now: now)
    }

    private mutating func startDraining(now: UInt64) -> Actions {
        switch codec {
        case .undecided:
            // Announced once the codec is chosen.
            announcedAt = now
            return []
        case .http1: return .endAfterCurrentCall
        case .http2:
            guard drain == .serving else { return [] }
            drain = .announced
            announcedAt = now
            return .announce
        }
    }

    /// The PING was answered, or its time is up.
    mutating func answered(openStreams: Int) -> Actions {
        guard drain == .announced else { return [] }
        drain = openStreams == 0 ? .done : .draining
        return openStreams == 0 ? [.nameLastStream, .closeAfterPeer] : .nameLastStream
    }

    mutating func streamEnded(openStreams: Int, now: UInt64) -> Actions {
        guard openStreams == 0 else { return [] }
        idleSince = now
        guard drain == .draining else { return [] }
        drain = .done
        return .closeAfterPeer
    }

    /// About a second has passed.
    mutating func tick(_ facts: Facts, _ limits: Limits, now: UInt64) -> Actions {
        func isOver(_ since: UInt64, _ limit: Duration?) -> Bool { Self.isOver(limit, since: since, now: now) }
        if facts.isClosing {
            if closingSince == 0 { closingSince = now }
            if now > closingSince &+ Self.closeGrace, facts.pendingBytes == 0 { return .abort }
        }
        if facts.pendingBytes > 0, isOver(facts.lastProgress, limits.stall) { return [.notifyStalled, .abort] }
        let isUnanswered = announcedAt > 0 && now > announcedAt &+ Self.closeGrace
        guard hasReceivedPreface else {
            if isOver(idleSince, limits.handshake) { return .abort }
            return isUnanswered ? .close : []
        }
        var actions: Actions = []
        if agesAt != 0, now > agesAt {
            agesAt = 0
            if let grace = limits.ageGrace { graceEndsAt = now &+ UInt64(clamping: grace.nanoseconds) }
            actions.formUnion(drain(now: now).union(.countAge))
        }
        if let since = facts.headSince {
            return isOver(since, limits.handshake) ? actions.union(.refuseSlowHead) : actions
        }
        if isUnanswered {
            announcedAt = 0
            actions.formUnion(answered(openStreams: facts.openStreams))
        }
        if graceEndsAt != 0, now >= graceEndsAt {
            graceEndsAt = 0
            actions.insert(.endStreams)
        }
        if facts.openStreams > 0 { return actions.union(.sweepStreams) }
        if !isDraining, isOver(idleSince, limits.idle) { actions.formUnion(drain(now: now)) }
        return actions
    }

    /// Whether a limit has been exceeded since then; `nil` never is.
    static func isOver(_ limit: Duration?, since: UInt64, now: UInt64) -> Bool {
        guard let limit else { return false }
        return now > since &+ UInt64(max(0, limit.nanoseconds))
    }

    /// How long it has had no stream; zero while it has, or no codec yet, or drains.
    func idleNanoseconds(openStreams: Int, now: UInt64) -> UInt64 {
        openStreams > 0 || !hasReceivedPreface || isDraining ? 0 : now &- idleSince
    }
}
