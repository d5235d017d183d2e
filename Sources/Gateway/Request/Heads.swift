internal import Bytes
internal import Calls
internal import GatewayModel
internal import HTTPModel
internal import Random
internal import Routing
internal import Snapshots
internal import Telemetry
internal import Time
internal import Transport
internal import Upstreams

/// What the gateway adds to the heads that pass through it.
extension GatewayWorker {
    /// The head for `attempt` on `target`.
    func writeRequestHead(
        _ attempt: Record<Attempt>, from source: StreamPointer, to target: StreamPointer
    ) -> FieldList {
        let call = attempt.call
        var additions = additions(call, from: source)
        additions.isUpstreamSecure = attempt.endpoint?.isSecure ?? false
        additions.namesRequestID = target.connection { unsafeDowncast($0, to: ClientConnection.self).refreshesNames }
        if let retry = call.retry, call.isRPC { additions.previousAttempts = retry.machine.previousAttempts }
        if case .endpoint? = call.policy.rewrite?.authority {
            additions.authority = attempt.endpoint.map { $0 { $0.authority.withUnsafeBytes { target.fields.keep($0) } } }
        }
        return RequestHead.write(
            method: call.facts.method, target: call.facts.target, from: source, to: target,
            additions, scratch: context.fieldScratch)
    }

    /// What is added for every upstream.
    @inline(__always)
    func additions(_ call: Record<Call>, from source: StreamPointer) -> RequestHead.Additions {
        var additions = RequestHead.Additions()
        if let origin = call.origin {
            source.serverConnection { connection in
                additions.forwardedFor = origin.forwardedFor(
                    peerText: connection.peerText, fields: &source.fields)
                additions.forwardedProto = origin.forwardedProto(
                    fields: source.fields, isSecure: connection.isSecure)
            }
        }
        // Credentials that were not ours to judge are the upstream's.
        additions.forwardsToken = call.identity?.forwardsToken ?? true
        additions.claims = claims(of: call)
        additions.fields = call.addedFields
        additions.rules = call.policy.requestHeaders
        if case .host(let host)? = call.policy.rewrite?.authority {
            additions.authority = host.withUnsafeBytes { source.fields.keep($0) }
        }
        additions.requestID = call.requestID(&context.random)
        if call.deadline != .distantFuture, !call.flags.contains(.endsByDuration) {
            additions.remaining = .nanoseconds(Int64(clamping: call.deadline.nanoseconds(since: now)))
        }
        return additions
    }

    /// The claims that go upstream with the call; for an unauthenticated request only their names.
    func claims(of call: Record<Call>) -> Borrowed<ClaimHeaders>? {
        if let identity = call.identity { return identity.claimsReference }
        return call.snapshot {
            $0.reference.unauthenticatedClaimsReference
        }
    }
}

extension Record<Call> {
    /// The caller's id where a trusted proxy vouches for it, else a new one, kept for the log and for further attempts.
    func requestID(_ random: inout RandomGenerator) -> BorrowedBytes {
        if let id = self.requestID { return id }
        let stream = self.downstream
        if self.origin?.isProxied == true, let field = stream.fields.first(.xRequestID), RequestID.isAcceptable(field.valueBytes) {
            self.requestID = field.valueBytes
            return field.valueBytes
        }
        let text = stream.fields.reserve(RequestID.bytes)
        RequestID.write(&random, to: text)
        let id = BorrowedBytes(start: text, count: RequestID.bytes)
        self.requestID = id
        return id
    }
}
