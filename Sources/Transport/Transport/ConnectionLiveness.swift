internal import Time

/// When the silence of a client connection's peer is believed to be its end.
package struct LivenessSettings: Sendable, Equatable {
    /// How long a peer that was asked for a sign of life may stay silent.
    package var pingTimeout: Duration
    /// After how much silence a connection with calls is asked by itself; `nil` for never.
    package var keepalive: Duration?

    package static let defaults = LivenessSettings(pingTimeout: .seconds(3))

    package init(pingTimeout: Duration, keepalive: Duration? = nil) {
        self.pingTimeout = pingTimeout
        self.keepalive = keepalive
    }
}

/// Whether the peer of an HTTP/2 client connection still answers. TCP alone does not tell: a stopped process and a middlebox
/// that has forgotten the connection go on to acknowledge what they get.
///
///                     ┌───────────── any byte ─────────────┐
///                     ▼                                    │
///     ┌──────────▶ trusted ──a call failed in silence──▶ suspected ──pingTimeout──▶ dead
///     │               │                                    ▲                         ▲
///     │           keepalive                      a call failed in silence            │
///     │               ▼                                    │                         │
///     └─any byte─ checking ────────────────────────────────┴───────pingTimeout───────┘
///
/// A call fails in silence where it ends without an answer and the peer has sent nothing since it began. A suspected
/// connection takes no new calls, and one that is dead is closed with those it has.
///
/// gRPC servers close a connection on which more than two PINGs come between two HEADERS or DATA frames of theirs (gRFC A8).
/// After two, an empty SETTINGS frame asks instead, which must be acknowledged as well (RFC 9113, section 6.5.3). Pure: no
/// socket; times are nanoseconds of one clock.
struct ConnectionLiveness {
    private(set) var state = State.trusted
    /// When anything last came from the peer.
    private(set) var lastReceived: UInt64 = 0
    /// Until when a sign of life must come, while one is awaited.
    private var due: UInt64 = 0
    /// PINGs since the peer last sent HEADERS or DATA, and when the last of them was sent.
    private var pings = 0
    private var lastPing: UInt64 = 0
    /// The last PING has not been acknowledged.
    private var isPingOpen = false
    /// When the keepalive last came due.
    private var lastKeepalive: UInt64 = 0
    private let timeout: UInt64
    private let keepalive: UInt64?

    enum State { case trusted, checking, suspected, dead }

    enum Probe: Equatable {
        case ping
        /// An empty SETTINGS frame.
        case settings
        /// One is on its way already.
        case none
    }

    enum Action: Equatable {
        case none
        case send(Probe)
        case close
    }

    private static let pingsMax = 2
    /// Bytes in the first eighth of a call's time, such as the peer's acknowledgement of our SETTINGS on a connection that
    /// was made for it, do not break its silence.
    private static let beginningShare: UInt64 = 8

    init(_ settings: LivenessSettings, now: UInt64) {
        timeout = UInt64(clamping: settings.pingTimeout.nanoseconds)
        keepalive = settings.keepalive.map { UInt64(clamping: $0.nanoseconds) }
        lastReceived = now
        lastKeepalive = now
    }

    var isSuspected: Bool { state == .suspected || state == .dead }

    /// - Returns: whether a suspicion has turned out to be wrong.
    @inline(__always)
    mutating func received(now: UInt64) -> Bool {
        lastReceived = now
        return state == .trusted ? false : clear()
    }

    private mutating func clear() -> Bool {
        guard state != .dead else { return false }
        defer { state = .trusted }
        return state == .suspected
    }

    mutating func pingAnswered() { isPingOpen = false }

    /// A call that began at `began` has ended without an answer.
    ///
    /// - Parameter lastFrame: when the peer last sent HEADERS or DATA.
    /// - Returns: what to send where the connection is suspected from now on; `nil` where nothing has changed.
    mutating func callFailed(began: UInt64, now: UInt64, lastFrame: UInt64) -> Probe? {
        guard now > began, lastReceived <= began &+ (now - began) / Self.beginningShare else { return nil }
        switch state {
        case .suspected, .dead: return nil
        case .checking:
            state = .suspected
            return Probe.none
        case .trusted:
            state = .suspected
            due = now &+ timeout
            return probe(now: now, lastFrame: lastFrame)
        }
    }

    private mutating func probe(now: UInt64, lastFrame: UInt64) -> Probe {
        if lastFrame > lastPing { pings = 0 }
        guard !isPingOpen, pings < Self.pingsMax else { return .settings }
        pings += 1
        lastPing = now
        isPingOpen = true
        return .ping
    }

    // MARK: Time

    /// When to call `timePassed`; `nil` for not at all.
    var wakes: UInt64? {
        switch state {
        case .checking, .suspected: due
        case .trusted: keepalive.map { max(lastReceived, lastKeepalive) &+ $0 }
        case .dead: nil
        }
    }

    /// - Parameters:
    ///   - lastWritten: when the socket last took bytes, where others still wait for it; `nil` where none do.
    ///   - hasCalls: without any, a gRPC server tolerates no PING.
    mutating func timePassed(now: UInt64, lastWritten: UInt64?, lastFrame: UInt64, hasCalls: Bool) -> Action {
        switch state {
        case .dead: return .none
        case .checking, .suspected:
            guard now >= due else { return .none }
            // The probe may not have left yet, and a peer that takes bytes is there.
            if let lastWritten, lastWritten &+ timeout > now {
                due = lastWritten &+ timeout
                return .none
            }
            state = .dead
            return .close
        case .trusted:
            guard let keepalive, now >= max(lastReceived, lastKeepalive) &+ keepalive else { return .none }
            lastKeepalive = now
            guard hasCalls else { return .none }
            state = .checking
            due = now &+ timeout
            return .send(probe(now: now, lastFrame: lastFrame))
        }
    }
}
