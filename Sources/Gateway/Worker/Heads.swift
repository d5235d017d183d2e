internal import Bytes
internal import HTTPModel
internal import Routing
internal import Telemetry
internal import Time
internal import Transport

/// What the gateway adds to the heads that pass through it.
extension GatewayWorker {
    /// The head for `attempt` on `target`.
    func writeRequestHead(
        _ attempt: AttemptPointer, from source: StreamPointer, to target: StreamPointer
    ) -> UnsafeBufferPointer<Field> {
        let exchange = attempt.pointee.exchange!
        var additions = additions(exchange, from: source)
        additions.isUpstreamSecure = attempt.pointee.endpoint!._withUnsafeGuaranteedRef { $0.isSecure }
        additions.namesRequestID = target.connection { unsafeDowncast($0, to: ClientConnection.self).refreshesNames }
        if let trial = exchange.pointee.trial, exchange.pointee.isRPC { additions.previousAttempts = trial.previousAttempts }
        return RequestHead.write(
            method: exchange.pointee.facts!.method, target: exchange.pointee.facts!.target, from: source, to: target,
            additions, scratch: context.fieldScratch)
    }

    /// What is added for every upstream.
    @inline(__always)
    func additions(_ exchange: ExchangePointer, from source: StreamPointer) -> RequestHead.Additions {
        var additions = RequestHead.Additions()
        if let origin = exchange.pointee.origin {
            source.serverConnection { connection in
                additions.forwardedFor = origin.forwardedFor(
                    peerText: connection.peerText, fields: &source.pointee.fields)
                additions.forwardedProto = origin.forwardedProto(
                    fields: source.pointee.fields, isSecure: connection.isSecure)
            }
        }
        // Credentials that were not ours to judge are the upstream's.
        additions.forwardsToken = exchange.pointee.identity?.forwardsToken ?? true
        additions.claims = claims(of: exchange)
        additions.requestID = requestID(exchange, source)
        if exchange.pointee.deadline != .distantFuture, !exchange.pointee.flags.contains(.endsByDuration) {
            additions.remaining = .nanoseconds(Int64(clamping: exchange.pointee.deadline.nanoseconds(since: now)))
        }
        return additions
    }

    /// The claims that go upstream with the exchange; for an unauthenticated request only their names.
    func claims(of exchange: ExchangePointer) -> Unmanaged<ClaimHeaders>? {
        if let identity = exchange.pointee.identity { return identity.claimsReference }
        return exchange.pointee.snapshot!._withUnsafeGuaranteedRef {
            $0.reference._withUnsafeGuaranteedRef { $0.unauthenticatedClaimsReference }
        }
    }

    /// The caller's id where a trusted proxy vouches for it, else a new one, kept for the log and for further attempts.
    func requestID(_ exchange: ExchangePointer, _ stream: StreamPointer) -> UnsafeRawBufferPointer {
        if let id = exchange.pointee.requestID { return id }
        if exchange.pointee.origin?.isProxied == true, let field = stream.pointee.fields.first(.xRequestID),
            RequestID.isAcceptable(field.valueBytes)
        {
            exchange.pointee.requestID = field.valueBytes
            return field.valueBytes
        }
        let text = stream.pointee.fields.reserve(RequestID.bytes)
        RequestID.write(&randomness, to: text)
        let id = UnsafeRawBufferPointer(start: text, count: RequestID.bytes)
        exchange.pointee.requestID = id
        return id
    }
}
