internal import Balancing
package import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Snapshots
package import Sockets
internal import Time
package import Transport
package import Upstreams

/// Performs the actions of an attempt's machine.
extension Upstream: PoolWaiterOwner {
    /// - Parameter connection: where the request is sent, for the event that there is room.
    @inline(__always)
    func handle(_ attempt: Record<Attempt>, _ event: AttemptMachine.Event, on connection: Borrowed<ClientConnection>? = nil) {
        let state = attempt.machine.state
        let actions = attempt.machine.handle(event)
        // Half of the events of a plain call: where nothing could replace the attempt, nothing ends as it is committed.
        if actions.isSubset(of: .commit), !attempt.isReplaceable { return }
        perform(actions, attempt, connection, event, state)
    }

    private func perform(
        _ actions: AttemptMachine.Actions, _ attempt: Record<Attempt>, _ connection: Borrowed<ClientConnection>?,
        _ event: AttemptMachine.Event, _ state: AttemptMachine.State
    ) {
        var (actions, connection, event, state) = (actions, connection, event, state)
        // What an endpoint or a connection says is the next event. What `send` and `decide` lead to comes when no action of this one is left.
        while true {
            var next: AttemptMachine.Event?
            if !actions.isDisjoint(with: .givesBack) { giveBack(attempt, actions) }
            if actions.contains(.pick) { next = pick(attempt, &connection) }
            if actions.contains(.send), let connection { next = connection { send(attempt, on: $0) } }
            if actions.contains(.commit), attempt.isReplaceable { commit(attempt) }
            if actions.contains(.hold) { hold(attempt) }
            if actions.contains(.decide) { decide(attempt) }
            if actions.contains(.unexpected) { unexpected(attempt, "\(state)", "\(event)") }
            guard let next else { return }
            (event, state, actions) = (next, attempt.machine.state, attempt.machine.handle(next))
        }
    }

    @inline(__always)
    private func giveBack(_ attempt: Record<Attempt>, _ actions: AttemptMachine.Actions) {
        guard let endpoint = attempt.endpoint else { return }
        if actions.contains(.withdraw) { endpoint { $0.withdraw(attempt.part(\.waiter)) } }
        let stream = attempt.stream
        if actions.contains(.releaseStream), let stream {
            if case .call(let call) = attempt.purpose {
                if actions.contains(.resetStream), waitedLong(call, attempt, stream) { ClientConnection.callGivenUp(stream) }
                call.upstreamNanoseconds += now.nanoseconds(since: attempt.began)
            }
            attempt.stream = nil
            // The stream may still drain: that must not reach the attempt.
            stream.listener = UnownedReference(nil)
            stream.context = nil
        }
        if actions.contains(.dropLoad) { endpoint { $0.activeCount -= 1 } }
        if actions.contains(.resetStream), let stream { stream.connection { $0.reset(stream, .cancel) } }
    }

    /// Chooses an endpoint, another than the attempt's former one where there is one, and asks it for a connection.
    @inline(__always)
    private func pick(_ attempt: Record<Attempt>, _ connection: inout Borrowed<ClientConnection>?) -> AttemptMachine.Event {
        guard case .call(let call) = attempt.purpose else { return worker.mirrors.pick(attempt, &connection) }
        call.attempts &+= 1
        let former = attempt.endpoint
        attempt.endpoint = nil
        let choice = choose(attempt, call, avoiding: former)
        if let former { former { $0.release() } }
        switch choice {
        case .refused(let cause): return fail(attempt, .refused(cause), .refused)
        case .endpoint(let endpoint):
            count(.upstreamAttempt)
            return ask(endpoint, for: attempt, &connection)
        }
    }

    /// Asks the endpoint that was chosen for an attempt, a call's or a mirror's, for a connection.
    @inline(__always)
    func ask(
        _ endpoint: Borrowed<Endpoint>, for attempt: Record<Attempt>, _ connection: inout Borrowed<ClientConnection>?
    ) -> AttemptMachine.Event {
        attempt.endpoint = endpoint
        attempt.began = now
        return endpoint {
            $0.retain()
            $0.activeCount += 1
            switch $0.admit(attempt.part(\.waiter)) {
            case .room(let found):
                connection = found
                return .room
            case .waits: return .wait
            case .overflow:
                if case .call = attempt.purpose { count(.queueOverflow) }
                return fail(attempt, .refused(.upstreamQueueFull(retryAfter: nil)), .noConnection)
            case .failed: return connectFailed(attempt, .noConnection)
            // A shortage of our own: it says nothing of the endpoint, and another one would not help.
            case .withoutSocket: return fail(attempt, .refused(.outOfSockets), .noConnection)
            }
        }
    }

    /// Asks the call's cluster for an endpoint.
    @inline(__always)
    private func choose(_ attempt: Record<Attempt>, _ call: Record<Call>, avoiding avoided: Borrowed<Endpoint>?) -> Cluster.Choice {
        var request = Cluster.PickRequest(avoiding: avoided)
        if call.route.hasFallback { request.needsHealthy = fallback(of: call) != nil }
        return call.cluster {
            if $0.asksCalls {
                $0.describe(call, in: &request)
                attempt.waiter.isHighPriority = request.isHighPriority
            }
            return $0.choose(request)
        }
    }

    // MARK: PoolWaiterOwner

    package func hasRoom(_ waiter: Record<PoolWaiter>, on connection: ClientConnection) {
        handle(Record(around: waiter, \Attempt.waiter), .room, on: Borrowed(connection))
    }

    package func connectionFailed(_ waiter: Record<PoolWaiter>, _ end: ChannelEnd) {
        let attempt = Record(around: waiter, \Attempt.waiter)
        if end.isShortage { return handle(attempt, fail(attempt, .refused(.outOfSockets), .noConnection)) }
        if case .call(let call) = attempt.purpose, let reason = end.reason { call.transportFailure = reason }
        handle(attempt, connectFailed(attempt, .noConnection))
    }

    package func endpointRemoved(_ waiter: Record<PoolWaiter>) {
        let attempt = Record(around: waiter, \Attempt.waiter)
        if case .call(let call) = attempt.purpose { call.attempts &-= 1 }
        handle(attempt, .endpointRemoved)
    }

    // MARK: Failures

    /// Keeps why the attempt fails, for what is decided once it has.
    func fail(_ attempt: Record<Attempt>, _ failure: AttemptFailure, _ event: AttemptMachine.Event) -> AttemptMachine.Event {
        attempt.failure = failure
        return event
    }

    func connectFailed(_ attempt: Record<Attempt>, _ event: AttemptMachine.Event) -> AttemptMachine.Event {
        if case .call = attempt.purpose {
            count(.upstreamConnectFailed)
            record(attempt, .localFailure)
        }
        return fail(attempt, event == .unsendable ? .connectionDraining : .connectFailed, event)
    }

    /// The connection did not take the request.
    func unsendable(_ attempt: Record<Attempt>, _ refusal: RequestRefusal) -> AttemptMachine.Event {
        switch refusal {
        // The connection has just been told to go: the pool finds another.
        case .noStream: return connectFailed(attempt, .unsendable)
        case .headTooLarge(let bytes, let bytesMax):
            // The head stays as large for other endpoints, and says nothing of this one.
            count(.upstreamHeadRefused)
            return fail(attempt, .refused(.headTooLargeForUpstream(bytes: bytes, bytesMax: bytesMax)), .unsendable)
        }
    }

    /// Trailers of a request that are larger than the endpoint takes.
    func refuseTrailers(_ call: Record<Call>, _ trailers: FieldList, on connection: Connection) {
        count(.upstreamHeadRefused)
        let bytes = trailers.listBytes
        worker.calls.fail(call, .headTooLargeForUpstream(bytes: bytes, bytesMax: connection.peerFieldListBytesMax))
    }

    /// The attempt's stream is no more, and it has not been let go before.
    func closed(_ attempt: Record<Attempt>, _ stream: StreamPointer, _ reason: StreamClose) {
        guard case .call(let call) = attempt.purpose else { return worker.mirrors.closed(attempt, stream, reason) }
        guard !call.machine.isAnswered else { return handle(attempt, .streamClosed) }
        switch reason {
        // RST_STREAM(NO_ERROR) before the answer was complete.
        case .complete: record(attempt, .failure)
        case .reset, .malformed: record(attempt, .gatewayFailure)
        case .connectionLost:
            // One that gave no sign of life is noted once, by its endpoint.
            if !isUnresponsive(stream) { record(attempt, .localFailure) }
        // One answer exceeded our limits; which one is unknown.
        case .limitExceeded: break
        // REFUSED_STREAM counts as a failure only while the connection is not draining.
        case .unprocessed, .connectionStale:
            let isDraining = stream.connection { ($0 as? ClientConnection)?.isDraining ?? true }
            if !isDraining { record(attempt, .gatewayFailure) }
        }
        switch reason {
        case .complete, .reset, .malformed: count(.upstreamReset)
        case .connectionLost, .connectionStale, .limitExceeded: count(.upstreamConnectionLost)
        case .unprocessed: break
        }
        guard attempt.machine.state != .committed else {
            handle(attempt, .streamClosed)
            if case .unprocessed = reason { count(.upstreamReset) }
            return worker.calls.fail(call, AttemptFailure.closed(reason).cause)
        }
        handle(attempt, fail(attempt, .closed(reason), .streamClosed))
    }

    @inline(never)
    private func unexpected(_ attempt: Record<Attempt>, _ state: String, _ event: String) {
        guard case .call(let call) = attempt.purpose else {
            return worker.calls.unexpected(nil, "\(event) of a mirror in \(state)")
        }
        worker.calls.unexpected(call, "\(event) of an attempt in \(state)")
    }
}
