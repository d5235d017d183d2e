internal import Synchronization
package import Time

/// When calls fail so often that more of them only make it worse.
package struct BreakerSettings: Sendable, Equatable {
    /// Of a hundred calls in one window.
    package var failurePercent: Int
    /// In one window, before their ratio means anything.
    package var callsMin: Int
    package var window: Duration
    /// How long nothing is let pass.
    package var openFor: Duration
    /// Calls that try it then; all of them must succeed.
    package var probes: Int

    package static let defaults = BreakerSettings(
        failurePercent: 50, callsMin: 20, window: .seconds(10), openFor: .seconds(5), probes: 3)

    package init(failurePercent: Int, callsMin: Int, window: Duration, openFor: Duration, probes: Int) {
        self.failurePercent = failurePercent
        self.callsMin = callsMin
        self.window = window
        self.openFor = openFor
        self.probes = probes
    }
}

/// A breaker of a cluster, or of one endpoint: one for the process.
///
///     closed ──ratio reached──▶ open ──time is up──▶ half-open ──every probe succeeded──▶ closed
///                                ▲                       │
///                                └────── one failed ─────┘
///
/// A call is let pass in the closed state by one load, and its success counted by one addition; the lock is for the rest.
/// Probes whose outcome never comes are given out anew after as long as the breaker was open.
package final class ErrorBreaker: Sendable {
    package enum State: String, Sendable { case closed, open, halfOpen = "half_open" }

    private let settings: BreakerSettings
    /// Zero while it is closed.
    private let openUntil = Atomic<UInt64>(0)
    /// Failures in the upper half, calls in the lower.
    private let counts = Atomic<UInt64>(0)
    private let windowEnds = Atomic<UInt64>(0)
    private let trial = Mutex(Trial())

    private struct Trial {
        /// Since when probes are given out; `nil` before the first.
        var began: Instant?
        var given = 0
        var succeeded = 0
    }

    package init(_ settings: BreakerSettings) { self.settings = settings }

    package func state(at now: Instant) -> State {
        let until = openUntil.load(ordering: .relaxed)
        return until == 0 ? .closed : until > now.nanoseconds ? .open : .halfOpen
    }

    /// Whether a call would be let pass; gives no probe out.
    @inline(__always)
    package func wouldAdmit(at now: Instant) -> Bool {
        openUntil.load(ordering: .relaxed) == 0 || hasProbe(at: now, taking: false)
    }

    /// Lets a call pass, or says no. A probe that it gives out counts by its outcome.
    @inline(__always)
    package func admit(at now: Instant) -> Bool {
        openUntil.load(ordering: .relaxed) == 0 || hasProbe(at: now, taking: true)
    }

    private func hasProbe(at now: Instant, taking: Bool) -> Bool {
        guard state(at: now) != .open else { return false }
        return trial.withLock { trial in
            guard state(at: now) == .halfOpen else { return state(at: now) == .closed }
            if let began = trial.began, now < began + settings.openFor {
                guard trial.given < settings.probes else { return false }
            } else if taking {
                trial = Trial(began: now)
            }
            if taking { trial.given += 1 }
            return true
        }
    }

    /// How long until a call may pass: at least a moment while it does not.
    package func opensIn(_ now: Instant) -> Duration {
        let until = openUntil.load(ordering: .relaxed)
        guard until > now.nanoseconds else { return until == 0 ? .zero : .seconds(1) }
        return .nanoseconds(Int64(clamping: until - now.nanoseconds))
    }

    /// A call that began at `began` has ended. True where the breaker has changed its state.
    @discardableResult
    package func record(isFailure: Bool, began: Instant, now: Instant) -> Bool {
        guard openUntil.load(ordering: .relaxed) == 0 else { return recordProbe(isFailure, began, now) }
        if windowEnds.load(ordering: .relaxed) <= now.nanoseconds { beginWindow(now) }
        let step: UInt64 = isFailure ? 1 << 32 | 1 : 1
        let sum = counts.wrappingAdd(step, ordering: .relaxed).newValue
        guard isFailure else { return false }
        let (failures, calls) = (Int(sum >> 32), Int(sum & 0xffff_ffff))
        guard calls >= settings.callsMin, failures * 100 >= settings.failurePercent * calls else { return false }
        return trial.withLock { trial in
            guard openUntil.load(ordering: .relaxed) == 0 else { return false }
            open(&trial, now)
            return true
        }
    }

    private func beginWindow(_ now: Instant) {
        trial.withLock { _ in
            guard windowEnds.load(ordering: .relaxed) <= now.nanoseconds else { return }
            counts.store(0, ordering: .relaxed)
            windowEnds.store((now + settings.window).nanoseconds, ordering: .relaxed)
        }
    }

    private func open(_ trial: inout Trial, _ now: Instant) {
        trial = Trial()
        openUntil.store((now + settings.openFor).nanoseconds, ordering: .relaxed)
    }

    private func recordProbe(_ isFailure: Bool, _ began: Instant, _ now: Instant) -> Bool {
        trial.withLock { trial in
            // What began before says nothing about now.
            guard openUntil.load(ordering: .relaxed) != 0, let trialBegan = trial.began, began >= trialBegan else { return false }
            if isFailure {
                open(&trial, now)
                return true
            }
            trial.succeeded += 1
            guard trial.succeeded >= settings.probes else { return false }
            trial = Trial()
            counts.store(0, ordering: .relaxed)
            windowEnds.store((now + settings.window).nanoseconds, ordering: .relaxed)
            openUntil.store(0, ordering: .relaxed)
            return true
        }
    }
}
