/// Where a call stands between its head and the end of its stream. Pure: no stream, no clock, no attempt.
///
///     idle ─arrived─▶ arriving ─routed─▶ filtering ──waits──▶ suspended
///      ▲                 │               │   │  ▲                │ │
///      │                 │               │   │  └────resumed─────┘ │
///      │                 │               │   ▼ filtered            │
///      │                 │               │ dispatching ─headKept─▶ holding
///      │                 │               │   │ head                │ head
///      │                 │        failed,│   ▼                     │
///      │          failed │       replied │ answering ◀─────────────┘
///      │                 ▼               ▼   │ completed, failed, …
///      └closed, lost─ answered ◀─────────────┘
///
/// Ends of an answer are `completed`, `endUnreadable` and `endUntold`. `unconvertible`, `deadlinePassed` and `shed` lead to `failed`; `timedOut`,
/// `stalled` and, behind an answer's head, `shed` to `answered`; `closed` and `lost` to `idle`: from every state in which the call waits.
///
/// Until its answer's head has been sent a call that fails is refused; then it ends in trailers, where an answer of gRPC stands between two
/// messages, or with RST_STREAM. A head that has not been written is withdrawn where RST_STREAM would follow it, and the call refused, or, behind
/// `endUntold`, `holding` again: the end is told in place of the head. Attempts have machines of their own (`AttemptMachine`).
///
/// Usable from inline: asked at every step of every call.
@usableFromInline package struct CallMachine: Equatable, Sendable {
    @usableFromInline package enum State: UInt8, CaseIterable, Sendable {
        /// The record has no call.
        case idle
        /// The head is there, and its route not known yet.
        case arriving
        /// The filters have it.
        case filtering
        /// A filter waits for an answer from elsewhere.
        case suspended
        /// Its attempts have it; nothing has been answered.
        case dispatching
        /// The answer's head is there, and waits for what converts the answer.
        case holding
        /// The answer's head has been sent.
        case answering
        /// Nothing follows but the end of the stream.
        case answered
    }

    @usableFromInline package enum Event: UInt8, CaseIterable, Sendable {
        case arrived
        /// Its route is known.
        case routed
        /// A filter has suspended it.
        case waits
        case resumed
        /// No filter is left.
        case filtered
        /// A filter answers it, or the fallback of its route.
        case replied
        /// The head of an upstream's answer is kept for a converter.
        case headKept
        /// The head of an upstream's answer is being sent.
        case head
        /// The end of an upstream's answer is being sent.
        case completed
        /// The end of an upstream's answer says nothing that can be passed on.
        case endUnreadable
        /// The end of an upstream's answer is an error, for which what has been sent has no place.
        case endUntold
        /// What has come of the request's body cannot be converted.
        case unconvertible
        case failed
        /// The timeout of an idle stream, or the age of its connection.
        case timedOut
        /// Its deadline, or its route's `max_stream_duration`.
        case deadlinePassed
        /// The caller does not take what waits for it.
        case stalled
        /// It holds more memory than there is.
        case shed
        /// The caller's stream is over, as it should be.
        case closed
        /// The caller's stream is over before its time.
        case lost
    }

    /// What holds while an event is handled that few calls meet.
    package struct Facts: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Bytes of the answer wait for the caller.
        package static var hasUnsent: Facts { Facts(rawValue: 1) }
        /// The end of the answer, or a reset, has left for the caller.
        package static var hasEnded: Facts { Facts(rawValue: 2) }
        /// Its deadline has waited for the end of a tick already.
        package static var isDeferred: Facts { Facts(rawValue: 4) }
        /// How it went wrong is known already.
        package static var isRecorded: Facts { Facts(rawValue: 8) }
        /// It is an RPC, whose answer stands between two messages.
        package static var mayEndInTrailers: Facts { Facts(rawValue: 16) }
        /// The failure is that its time is up.
        package static var isOutOfTime: Facts { Facts(rawValue: 32) }
        /// A filter that tells what could not be converted is still to come.
        package static var tellsConversion: Facts { Facts(rawValue: 64) }
        /// The answer's head waits to be written.
        package static var headWaits: Facts { Facts(rawValue: 128) }
    }

    /// Performed in this order; the last four stand alone, and lead to the next event.
    @usableFromInline package struct Actions: OptionSet, Sendable {
        @usableFromInline package let rawValue: UInt32
        @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }
        /// Nothing of an upstream is needed any more.
        @inlinable package static var cancelAttempts: Actions { Actions(rawValue: 1) }
        /// No attempt will send the request's body again.
        @inlinable package static var dropBody: Actions { Actions(rawValue: 2) }
        @inlinable package static var disarmDeadline: Actions { Actions(rawValue: 4) }
        @inlinable package static var countTimeout: Actions { Actions(rawValue: 8) }
        /// Keep for the log why it ends so.
        @inlinable package static var record: Actions { Actions(rawValue: 16) }
        /// Let what this tick has queued be written first.
        @inlinable package static var deferDeadline: Actions { Actions(rawValue: 32) }
        /// Keep the failure until the filters have seen the request.
        @inlinable package static var keepFailure: Actions { Actions(rawValue: 64) }
        /// Take back the answer's head, and what follows it.
        @inlinable package static var withdrawHead: Actions { Actions(rawValue: 1 << 19) }
        /// Answer with the failure.
        @inlinable package static var refuse: Actions { Actions(rawValue: 128) }
        /// Say the failure behind what has been sent.
        @inlinable package static var endInTrailers: Actions { Actions(rawValue: 256) }
        /// RST_STREAM with CANCEL: the caller has not taken what it has been sent.
        @inlinable package static var resetUnsent: Actions { Actions(rawValue: 512) }
        /// RST_STREAM with INTERNAL_ERROR: the answer cannot be completed.
        @inlinable package static var resetIncomplete: Actions { Actions(rawValue: 1024) }
        /// RST_STREAM with NO_ERROR: the rest of the request is of no use.
        @inlinable package static var resetRequest: Actions { Actions(rawValue: 2048) }
        /// RST_STREAM with ENHANCE_YOUR_CALM.
        @inlinable package static var resetShed: Actions { Actions(rawValue: 4096) }
        /// Give back all that it has, and count and log it.
        @inlinable package static var finish: Actions { Actions(rawValue: 8192) }
        /// The event cannot come in this state.
        @inlinable package static var unexpected: Actions { Actions(rawValue: 1 << 14) }
        /// It fails, in the state it is in.
        @inlinable package static var fail: Actions { Actions(rawValue: 1 << 15) }
        /// It fails because its deadline has passed.
        @inlinable package static var failByDeadline: Actions { Actions(rawValue: 1 << 16) }
        /// Take it through the filters.
        @inlinable package static var filter: Actions { Actions(rawValue: 1 << 17) }
        /// Begin its first attempt.
        @inlinable package static var dispatch: Actions { Actions(rawValue: 1 << 18) }

        /// Those that tell, or keep, why the call ends.
        package static var needEnding: Actions {
            [.record, .keepFailure, .refuse, .endInTrailers, .fail, .failByDeadline]
        }
    }

    @usableFromInline package internal(set) var state = State.idle

    @inlinable package init() {}

    /// Nothing that comes from the caller or an upstream matters any more.
    @inlinable @inline(__always) package var isAnswered: Bool { state == .answered }
    /// It has been begun, and not been answered.
    @inlinable @inline(__always) package var isUnderWay: Bool { state != .idle && state != .answered }
    /// The answer's head has been sent: the call cannot be refused any more.
    @inlinable @inline(__always) package var headIsSent: Bool { state.rawValue >= State.answering.rawValue }

    /// The way of nearly every call, for which no facts are needed; `nil` for anything else, which `handle` is then asked about.
    @inlinable @inline(__always)
    package mutating func handleCommon(_ event: Event) -> Actions? {
        switch (event, state) {
        case (.arrived, .idle): move(.arriving, [])
        case (.routed, .arriving): move(.filtering, .filter)
        case (.waits, .filtering): move(.suspended, [])
        case (.resumed, .suspended): move(.filtering, [])
        case (.filtered, .filtering): move(.dispatching, .dispatch)
        case (.headKept, .dispatching): move(.holding, .dropBody)
        case (.head, .dispatching): move(.answering, .dropBody)
        case (.head, .holding): move(.answering, [])
        case (.completed, .answering): move(.answered, [])
        case (.closed, .answered): move(.idle, [.cancelAttempts, .disarmDeadline, .finish])
        default: nil
        }
    }

    package mutating func handle(_ event: Event, _ facts: Facts = []) -> Actions {
        if let actions = handleCommon(event) { return actions }
        switch (event, state) {
        case (_, .idle): return .unexpected
        case (.endUnreadable, .answering): return move(.answered, [.record, .endInTrailers])
        case (.endUntold, .answering):
            return facts.contains(.headWaits) ? move(.holding, .withdrawHead) : move(.answered, .resetIncomplete)
        case (.replied, .filtering): return move(.answered, .dropBody)
        // By its route's fallback.
        case (.replied, .dispatching): return move(.answered, [.cancelAttempts, .dropBody])
        case (.unconvertible, .suspended): return facts.contains(.tellsConversion) ? .keepFailure : .fail
        case (.unconvertible, .dispatching), (.unconvertible, .holding), (.unconvertible, .answering): return .fail
        case (.failed, .arriving), (.failed, .filtering), (.failed, .suspended), (.failed, .dispatching), (.failed, .holding),
            (.timedOut, .suspended), (.timedOut, .dispatching), (.timedOut, .holding):
            return move(.answered, [.cancelAttempts, .dropBody, .record, .refuse])
        case (.failed, .answering), (.timedOut, .answering): return move(.answered, ending(facts))
        case (.deadlinePassed, .suspended), (.deadlinePassed, .dispatching), (.deadlinePassed, .holding): return .failByDeadline
        case (.deadlinePassed, .answering): return mayDefer(facts) && facts.contains(.hasUnsent) ? .deferDeadline : .failByDeadline
        case (.deadlinePassed, .answered):
            if facts.contains(.hasEnded) { return .resetRequest }
            if mayDefer(facts) { return .deferDeadline }
            return facts.contains(.isRecorded) ? Self.leftUnsent : Self.leftUnsent.union(.countTimeout)
        case (.timedOut, .answered): return Self.leftUnsent
        case (.stalled, .answered) where facts.contains(.isRecorded): return .cancelAttempts
        case (.stalled, .suspended), (.stalled, .dispatching), (.stalled, .holding), (.stalled, .answering), (.stalled, .answered):
            return move(.answered, [.cancelAttempts, .dropBody, .disarmDeadline, .record, .resetUnsent])
        case (.shed, .filtering), (.shed, .suspended), (.shed, .dispatching), (.shed, .holding): return .fail
        case (.shed, .answering), (.shed, .answered):
            return move(.answered, [.cancelAttempts, .disarmDeadline, .record, .resetShed])
        case (.lost, .answered) where !facts.isDisjoint(with: [.hasEnded, .isRecorded]):
            return move(.idle, [.cancelAttempts, .disarmDeadline, .finish])
        case (.lost, _), (.closed, _): return move(.idle, [.cancelAttempts, .disarmDeadline, .record, .finish])
        default: return .unexpected
        }
    }

    /// What was answered waits for a caller that does not read it; anything said behind it would wait too.
    private static var leftUnsent: Actions { [.cancelAttempts, .disarmDeadline, .record, .resetUnsent] }

    private func mayDefer(_ facts: Facts) -> Bool { !facts.contains(.isDeferred) }

    /// How an answer ends that cannot be completed.
    private func ending(_ facts: Facts) -> Actions {
        if facts.isSuperset(of: [.isOutOfTime, .hasUnsent]) { return Self.leftUnsent }
        if facts.contains(.mayEndInTrailers) { return [.cancelAttempts, .record, .endInTrailers] }
        return facts.contains(.headWaits)
            ? [.cancelAttempts, .record, .withdrawHead, .refuse] : [.cancelAttempts, .record, .resetIncomplete]
    }

    @inlinable @inline(__always)
    mutating func move(_ state: State, _ actions: Actions) -> Actions {
        self.state = state
        return actions
    }
}
