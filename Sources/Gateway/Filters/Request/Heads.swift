package import Bytes
package import Calls
internal import GRPC
internal import GatewayModel
package import HTTPModel
internal import Net
package import Random
internal import Reactor
internal import Routing
package import Snapshots
internal import Sockets
internal import Telemetry
internal import Time
package import Transport
internal import Upstreams

/// What the gateway adds to the heads that pass through it.
extension Record<Attempt> {
    /// The head for the attempt on `target`, in the worker's scratch.
    package func writeHead(to target: StreamPointer, _ context: WorkerContext) -> FieldList {
        let call = self.call
        let source = call.downstream
        var additions = call.additions(context)
        additions.isUpstreamSecure = self.endpoint?.isSecure ?? false
        additions.namesRequestID = target.connection { unsafeDowncast($0, to: ClientConnection.self).refreshesNames }
        if let retry = call.retry, call.isRPC { additions.previousAttempts = retry.machine.previousAttempts }
        if case .endpoint? = call.policy.rewrite?.authority {
            additions.authority = self.endpoint.map { $0 { $0.authority.withUnsafeBytes { target.fields.keep($0) } } }
        }
        return RequestHead.write(
            method: call.facts.method, target: call.facts.target, from: source, to: target,
            additions, scratch: context.fieldScratch)
    }
}

extension Record<Call> {
    /// What is added for every upstream.
    @inline(__always)
    package func additions(_ context: WorkerContext) -> RequestHead.Additions {
        let source = self.downstream
        var additions = RequestHead.Additions()
        additions.fields = self.addedFields
        if let origin = self.origin {
            source.serverConnection { connection in
                additions.forwardedFor = origin.forwardedFor(
                    peerText: connection.peerNode, fields: &source.fields)
                additions.forwardedProto = origin.forwardedProto(
                    fields: source.fields, isSecure: connection.isSecure)
                // Not `isEmpty`, which is not specialized in this module.
                if connection.forwarded.rawValue != 0, self.forwardedFields == nil {
                    let forwarded = ForwardedFields(
                        origin: origin, peer: connection.channel.peer?.ip, proto: additions.forwardedProto, path: self.facts.path,
                        rewrittenTarget: self.policy.rewrite == nil ? nil : self.facts.target, rules: self.policy.requestHeaders)
                    // Once, for all attempts: what the peer has said stands in it, and no longer in its head.
                    self.forwardedFields = forwarded.fields(
                        connection.forwarded, of: &source.fields, headCount: source.trailersStart)
                }
            }
        }
        additions.forwardedFields = self.forwardedFields
        // Credentials that were not ours to judge are the upstream's.
        additions.forwardsToken = self.identity?.forwardsToken ?? true
        additions.claims = self.claims
        additions.rules = self.policy.requestHeaders
        if case .host(let host)? = self.policy.rewrite?.authority {
            additions.authority = host.withUnsafeBytes { source.fields.keep($0) }
        }
        additions.requestID = requestID(&context.random)
        if !self.deadline.isDistantFuture, !self.flags.contains(.endsByDuration), readsTimeout {
            additions.remaining = .nanoseconds(Int64(clamping: self.deadline.nanoseconds(since: context.loop.now)))
        }
        return additions
    }

    /// The upstream knows `grpc-timeout`: to plain HTTP it is sent only where the caller does. Connect has a field of its own.
    private var readsTimeout: Bool {
        switch self.clientProtocol {
        case .grpc, .grpcWeb, .grpcWebText: true
        default: self.bridge != nil || self.facts.timeout != nil
        }
    }

    /// The claims that go upstream with the call; for an unauthenticated request only their names.
    package var claims: Borrowed<ClaimHeaders>? {
        if let identity = self.identity { return identity.claimsReference }
        return self.snapshot { $0.reference.unauthenticatedClaimsReference }
    }

    /// The caller's id where a trusted proxy vouches for it, else a new one, kept for the log and for further attempts.
    package func requestID(_ random: inout RandomGenerator) -> BorrowedBytes {
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
