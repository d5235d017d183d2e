internal import Random
package import Time

/// Where one connection to a server stands, and when the next may be tried.
///
///     idle ──dial──▶ connecting ──opened──▶ greeting ──all +OK──▶ ready
///       ▲               │                      │                    │
///       └──pause over── waiting ◀──lost, late, refused──────────────┘
///
/// The pause doubles from `pauseFirst` to `pauseMax` and begins anew after a connection that was of use, because one that opens
/// and then refuses every command is not; each is shortened by up to a half at random, so that workers and processes do not
/// come back in step. Pure: time is an argument.
package struct RedisLink {
    package enum State: Equatable {
        case idle
        case connecting(deadline: Instant)
        /// Replies to AUTH and SELECT that are still to come.
        case greeting(left: Int, deadline: Instant)
        case ready
        case waiting(until: Instant)
    }

    package static let pauseFirst = Duration.milliseconds(50)
    package static let pauseMax = Duration.seconds(2)
    /// For connecting and greeting together.
    package static let openingMax = Duration.seconds(5)

    package private(set) var state = State.idle
    private var backoff = ExponentialBackoff(from: RedisLink.pauseFirst, to: RedisLink.pauseMax)
    private var random: RandomGenerator

    package init(seed: UInt64) { random = RandomGenerator(seed: seed) }

    /// Whether commands may be taken: sent at once, or as soon as the connection is ready.
    package var takesCommands: Bool {
        switch state {
        case .connecting, .greeting, .ready: true
        case .idle, .waiting: false
        }
    }

    /// Whether it is time to dial; then the link is connecting.
    package mutating func shouldDial(now: Instant) -> Bool {
        switch state {
        case .idle: break
        case .waiting(let until) where until <= now: break
        default: return false
        }
        state = .connecting(deadline: now + Self.openingMax)
        return true
    }

    /// The connection stands. `greetings` replies will come before any other.
    package mutating func opened(greetings: Int) {
        guard case .connecting(let deadline) = state else { preconditionFailure("opened without dialling") }
        state = .greeting(left: greetings, deadline: deadline)
        if greetings == 0 { becomeReady() }
    }

    /// One greeting was accepted; true if it was the last.
    package mutating func greeted() -> Bool {
        guard case .greeting(let left, let deadline) = state else { preconditionFailure("greeted out of turn") }
        if left == 1 {
            becomeReady()
            return true
        }
        state = .greeting(left: left - 1, deadline: deadline)
        return false
    }

    /// The connection is gone, or was never made.
    package mutating func lost(now: Instant) {
        state = .waiting(until: now + backoff.failed().shortened(random.next()))
    }

    /// Whether opening has taken too long.
    package func isLate(now: Instant) -> Bool {
        switch state {
        case .connecting(let deadline), .greeting(_, let deadline): deadline <= now
        case .idle, .waiting, .ready: false
        }
    }

    /// When this machine wants to be looked at again.
    package var nextInstant: Instant? {
        switch state {
        case .connecting(let deadline), .greeting(_, let deadline): deadline
        case .waiting(let until): until
        case .idle, .ready: nil
        }
    }

    /// A command was served.
    package mutating func served() { backoff.succeeded() }

    private mutating func becomeReady() { state = .ready }
}
