package import GRPC
package import GatewayModel
package import Snapshots
package import Time

/// Decides which attempts a call makes: by a retry policy, a hedging policy (gRFC A6), or none, where only requests that no upstream has
/// looked at are sent again. Pure: no stream, no clock.
///
///     running ──failed, answered, timer──▶ asking ──denied──▶ running: what has come is the caller's
///      ▲  │                                  │ granted
///      │  │ committed                        ▼
///      │  ▼                       running: an attempt begins, or
///      │ over ◀──ended── any      backingOff, until the timer fires
///      └───────────timer──────────────────────┘
///
/// A hedged call begins with `begun`. A retry that the backend has delayed (a pushback) gives its place back while it waits, and asks for one again
/// when the timer fires.
///
/// Places among the cluster's retries and hedges that it was granted are returned by its actions, each once.
package struct RetryMachine {
    package enum State: Equatable {
        /// Attempts are under way, or a hedge is due.
        case running
        /// A place in the cluster's budget has been asked for.
        case asking(Purpose)
        /// None is under way: the call's own begins when the timer fires.
        case backingOff
        /// An answer is the caller's, or the call has ended.
        case over
    }

    /// What a place is for.
    package enum Purpose: Equatable {
        case retry(after: Duration, Pushback, Origin)
        /// A retry whose pushback is over.
        case delayedRetry
        case hedge(Origin)
        /// A hedge that begins after others.
        case delayedHedge
    }

    /// What calls for another attempt.
    package enum Origin: Equatable {
        case failure
        case answer(Pushback)
    }

    package enum Failure: UInt8, CaseIterable {
        /// There was no endpoint to ask.
        case refused
        case connectFailed
        /// No upstream has looked at the request.
        case unprocessed
        /// A connection that had been in use ended before any answer: perhaps no upstream has looked at the request.
        case stale
        case reset
        case timedOut
        /// Its time was up before there was a connection for it.
        case timedOutUnsent

        /// No upstream can have executed the request.
        package var isUnexecuted: Bool {
            switch self {
            case .refused, .connectFailed, .unprocessed, .timedOutUnsent: true
            case .stale, .reset, .timedOut: false
            }
        }
    }

    package enum Event: Equatable {
        /// The first attempt of a hedged call.
        case begun
        /// With the status that the caller would get.
        case failed(Failure, StatusCode)
        /// With an answer that is not good.
        case answered(AttemptVerdict, Pushback)
        case granted
        case denied
        case timer
        /// An answer is the caller's: that of the call's own attempt, or of another.
        case committed(isOwn: Bool)
        case ended
    }

    /// What holds while an event is handled.
    package struct Facts {
        package var now: Instant
        package var deadline: Instant
        /// All of what has been sent of the request is still here, and no answer has begun.
        package var canBeSentAgain: Bool
        /// A request that an upstream may have executed may be sent again.
        package var mayRepeat: Bool
        /// The caller has sent everything.
        package var requestEnded: Bool
        package var isRPC: Bool
        /// Attempts are under way beside the one that the event is of.
        package var hasOthers: Bool
        /// A connection has failed, and the route's fallback is better than another to the same endpoint.
        package var fallsBack: Bool
        /// Any number.
        package var random: UInt64

        package init(
            now: Instant, deadline: Instant, canBeSentAgain: Bool, mayRepeat: Bool, requestEnded: Bool, isRPC: Bool,
            hasOthers: Bool, fallsBack: Bool, random: UInt64
        ) {
            self.now = now
            self.deadline = deadline
            self.canBeSentAgain = canBeSentAgain
            self.mayRepeat = mayRepeat
            self.requestEnded = requestEnded
            self.isRPC = isRPC
            self.hasOthers = hasOthers
            self.fallsBack = fallsBack
            self.random = random
        }
    }

    /// Requests that the upstream reports as unprocessed, and requests whose connection failed, are retried once outside the policy's attempts (gRFC
    /// A6, transparent retries): once each, so that an upstream that refuses calls to protect itself is not asked much more often.
    private static let transparentRetriesMax: UInt8 = 1

    package let policy: AttemptPolicy?
    package private(set) var state = State.running
    package private(set) var retries = Retries()
    /// It has a place among its cluster's retries.
    private var hasRetryPlace = false
    /// Attempts of a hedged call that were begun, or have a place.
    package private(set) var begun = 1
    /// Another attempt was called for, and there was none.
    private var isExhausted = false
    /// A backend wants no further attempt.
    private var isPushedBack = false
    private var resent: UInt8 = 0
    private var reconnected: UInt8 = 0

    package init(_ policy: AttemptPolicy?) { self.policy = policy }

    /// Attempts before the one that begins, as many as the policy counts.
    package var previousAttempts: Int {
        switch policy {
        case .retry: retries.tries - 1
        case .hedging: begun - 1
        case nil: 0
        }
    }

    package mutating func handle(_ event: Event, _ facts: Facts) -> Actions {
        switch (event, state) {
        case (.begun, .running):
            guard case .hedging(let policy) = policy else { return unexpected }
            return Actions(steps: [.arm, .beginOwn], delay: policy.delay)
        case (.failed(let failure, let code), .running): return failed(failure, code, facts)
        case (.answered(let verdict, let pushback), .running): return answered(verdict, pushback, facts)
        case (.granted, .asking(let purpose)):
            state = .running
            return granted(purpose)
        case (.denied, .asking(let purpose)):
            state = .running
            return denied(purpose, facts)
        case (.timer, .running):
            guard case .hedging(let policy) = policy else { return unexpected }
            return delayedHedge(policy, facts)
        case (.timer, .backingOff): return backoffIsOver()
        case (.committed(let isOwn), .running): return committed(isOwn)
        case (.ended, .over): return Actions()
        case (.ended, _):
            state = .over
            return releasePlaces()
        default: return unexpected
        }
    }

    private var unexpected: Actions { Actions(steps: .unexpected) }

    // MARK: Failures

    private mutating func failed(_ failure: Failure, _ code: StatusCode, _ facts: Facts) -> Actions {
        var actions = Actions()
        switch failure {
        case .connectFailed where !facts.fallsBack && mayResend(reconnected, facts):
            reconnected += 1
            return Actions(steps: [.count, .begin], event: .upstreamResent)
        case .unprocessed where mayResend(resent, facts), .stale where facts.mayRepeat && mayResend(resent, facts):
            resent += 1
            return Actions(steps: [.count, .begin], event: .upstreamResent)
        case .unprocessed: actions.steps.insert(.countReset)
        default: break
        }
        switch policy {
        case nil: actions.steps.insert(.fail)
        case .retry(let policy):
            // What the caller would get as a status counts like one that came.
            let isWanted =
                policy.conditions.contains(failure.condition) || (facts.isRPC && policy.conditions.contains(code))
            guard !failure.condition.isEmpty, isWanted else {
                actions.steps.insert(.fail)
                return actions
            }
            retry(policy, .none, .failure, isUnexecuted: failure.isUnexecuted, facts, &actions)
        case .hedging(let policy):
            let isFatal = !policy.nonFatal.contains(code)
            if facts.hasOthers {
                actions.steps.insert(.drop)
                // A failed attempt starts the next one without the delay.
                if !isFatal { actions.add(delayedHedge(policy, facts)) }
            } else if isFatal {
                actions.steps.insert(.fail)
            } else {
                hedge(policy, .failure, facts, &actions)
            }
        }
        return actions
    }

    private func mayResend(_ count: UInt8, _ facts: Facts) -> Bool {
        guard facts.canBeSentAgain else { return false }
        // Without a policy for one of the two reasons, with a policy for each.
        return (policy == nil ? resent + reconnected : count) < Self.transparentRetriesMax
    }

    private mutating func answered(_ verdict: AttemptVerdict, _ pushback: Pushback, _ facts: Facts) -> Actions {
        var actions = Actions()
        switch policy {
        case nil: return unexpected
        case .retry(let policy):
            guard verdict.isAmong(policy.conditions) else { return Actions(steps: .pass) }
            retry(policy, pushback, .answer(pushback), isUnexecuted: false, facts, &actions)
        case .hedging(let policy):
            guard let status = verdict.status, policy.nonFatal.contains(status) else { return Actions(steps: .pass) }
            if pushback == .never { isPushedBack = true }
            guard facts.hasOthers else {
                if case .after(let delay) = pushback, facts.now + delay >= facts.deadline { return Actions(steps: .pass) }
                hedge(policy, .answer(pushback), facts, &actions)
                return actions
            }
            actions.steps = [.recordAnswer, .replace, .drop]
            switch pushback {
            case .never: break
            case .after(let delay): actions.add(Actions(steps: .arm, delay: delay))
            case .none: actions.add(delayedHedge(policy, facts))
            }
        }
        return actions
    }

    // MARK: Retries

    private mutating func retry(
        _ policy: RetryPolicy, _ pushback: Pushback, _ origin: Origin, isUnexecuted: Bool, _ facts: Facts, _ actions: inout Actions
    ) {
        // The place of the retry that has just failed is free.
        releaseRetryPlace(&actions)
        guard facts.canBeSentAgain else { return giveUp(.retryWithoutBody, origin, &actions) }
        // A backend that asks for a retry vouches for it.
        guard facts.mayRepeat || isUnexecuted || pushback != .none else { return giveUp(.retryNotIdempotent, origin, &actions) }
        let decision = retries.decide(policy, pushback, now: facts.now, deadline: facts.deadline, random: facts.random)
        switch decision {
        case .limitReached:
            actions.steps.insert(.limitReached)
            giveUp(.retryLimitExceeded, origin, &actions)
        case .pushedBack: giveUp(.retryPushedBack, origin, &actions)
        case .tooLate: giveUp(.retryTooLate, origin, &actions)
        case .retry(let delay):
            state = .asking(.retry(after: delay, pushback, origin))
            actions.steps.insert(.acquireRetry)
        }
    }

    private mutating func giveUp(_ event: GatewayEvent, _ origin: Origin, _ actions: inout Actions) {
        isExhausted = true
        actions.event = event
        actions.steps.formUnion([.count, origin == .failure ? .fail : .pass])
    }

    private mutating func backoffIsOver() -> Actions {
        if case .retry = policy, !hasRetryPlace {
            state = .asking(.delayedRetry)
            return Actions(steps: .acquireRetry)
        }
        state = .running
        var actions = Actions(steps: .beginOwn)
        if case .hedging(let policy) = policy { armNext(policy, &actions) }
        return actions
    }

    // MARK: Hedges

    /// The delay is over, or an attempt has failed: the next one's turn.
    private mutating func delayedHedge(_ policy: HedgingPolicy, _ facts: Facts) -> Actions {
        guard facts.requestEnded else {
            // A hedge must be sent as a whole.
            return facts.canBeSentAgain ? Actions(steps: .arm, delay: max(policy.delay, .milliseconds(1))) : Actions()
        }
        guard mayHedge(policy, facts) else { return Actions() }
        state = .asking(.delayedHedge)
        return Actions(steps: .acquireHedge)
    }

    /// Another attempt in the place of the last one, or the end.
    private mutating func hedge(_ policy: HedgingPolicy, _ origin: Origin, _ facts: Facts, _ actions: inout Actions) {
        guard mayHedge(policy, facts) else {
            recordExhausted(policy, facts, &actions)
            actions.steps.insert(origin == .failure ? .fail : .pass)
            return
        }
        state = .asking(.hedge(origin))
        actions.steps.insert(.acquireHedge)
    }

    private func mayHedge(_ policy: HedgingPolicy, _ facts: Facts) -> Bool {
        begun < policy.attempts && !isPushedBack && facts.canBeSentAgain
    }

    private func recordExhausted(_ policy: HedgingPolicy, _ facts: Facts, _ actions: inout Actions) {
        if begun >= policy.attempts {
            actions.steps.insert(.limitReached)
        } else if !isPushedBack, facts.canBeSentAgain {
            actions.steps.insert(.budgetExhausted)
        }
    }

    private func armNext(_ policy: HedgingPolicy, _ actions: inout Actions) {
        guard begun < policy.attempts else { return }
        actions.add(Actions(steps: .arm, delay: policy.delay))
    }

    // MARK: Places

    private mutating func granted(_ purpose: Purpose) -> Actions {
        switch purpose {
        case .retry(let delay, let pushback, let origin):
            retries.recordRetry(pushback)
            state = .backingOff
            var actions = Actions(steps: [.count, .backOff, .arm], event: .upstreamRetry, delay: delay)
            hasRetryPlace = true
            // As long as the backend has it wait, it is no load, and takes no other's place.
            if pushback != .none { releaseRetryPlace(&actions) }
            if origin != .failure { actions.steps.formUnion([.recordAnswer, .replace]) }
            return actions
        case .delayedRetry:
            hasRetryPlace = true
            return Actions(steps: .beginOwn)
        case .delayedHedge: return hedgeGranted(.beginHedge)
        case .hedge(.failure): return hedgeGranted(.begin)
        case .hedge(.answer(.after(let delay))):
            begun += 1
            state = .backingOff
            return Actions(steps: [.count, .recordAnswer, .replace, .backOff, .arm], event: .hedgeBegun, delay: delay)
        case .hedge(.answer): return hedgeGranted([.recordAnswer, .replace, .beginOwn])
        }
    }

    private mutating func hedgeGranted(_ steps: Steps) -> Actions {
        guard case .hedging(let policy) = policy else { return unexpected }
        begun += 1
        var actions = Actions(steps: steps.union(.count), event: .hedgeBegun)
        armNext(policy, &actions)
        return actions
    }

    private mutating func denied(_ purpose: Purpose, _ facts: Facts) -> Actions {
        var actions = Actions()
        switch purpose {
        case .retry(_, _, let origin):
            actions.steps.insert(.budgetExhausted)
            giveUp(.retryOverflow, origin, &actions)
        case .delayedRetry:
            isExhausted = true
            actions = Actions(steps: [.count, .budgetExhausted, .failWithoutPlace], event: .retryOverflow)
        case .delayedHedge: actions = Actions(steps: .count, event: .hedgeOverflow)
        case .hedge(let origin):
            actions = Actions(steps: [.count, origin == .failure ? .fail : .pass], event: .hedgeOverflow)
            if case .hedging(let policy) = policy { recordExhausted(policy, facts, &actions) }
        }
        return actions
    }

    private mutating func committed(_ isOwn: Bool) -> Actions {
        state = .over
        var actions = releasePlaces()
        if retries.tries > 1, !isExhausted { actions.add(Actions(steps: .count, event: .retrySucceeded)) }
        if !isOwn { actions.add(Actions(steps: .count, event: .hedgeWon)) }
        return actions
    }

    private mutating func releasePlaces() -> Actions {
        var actions = Actions()
        releaseRetryPlace(&actions)
        if begun > 1 {
            actions.add(Actions(steps: .releaseHedges, hedges: begun - 1))
            begun = 1
        }
        return actions
    }

    private mutating func releaseRetryPlace(_ actions: inout Actions) {
        guard hasRetryPlace else { return }
        hasRetryPlace = false
        actions.steps.insert(.releaseRetry)
    }
}

extension RetryMachine.Failure {
    /// By which a retry policy asks for it.
    fileprivate var condition: RetryConditions.Causes {
        switch self {
        case .refused: []
        case .connectFailed: .connectFailure
        case .unprocessed: .refusedStream
        case .stale, .reset: .reset
        case .timedOut, .timedOutUnsent: .perTryTimeout
        }
    }
}
