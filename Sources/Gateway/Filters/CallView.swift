internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Net
internal import Reactor
internal import Routing
internal import Snapshots
internal import TLS
internal import Time
internal import Transport

/// A call as filters see it: what has arrived and was found out of it, and what can be done about it. Made for the length of one filter.
struct CallView {
    let call: Record<Call>
    let worker: GatewayWorker

    init(_ call: Record<Call>, _ worker: GatewayWorker) {
        self.call = call
        self.worker = worker
    }

    // MARK: What is known of it

    /// The caller's stream: its fields are the head, up to `trailersStart`.
    var stream: StreamPointer { call.downstream }
    var facts: HeadFacts { call.facts }
    var caller: ClientProtocol { call.clientProtocol }
    var route: Borrowed<Route> { call.route }
    var policy: Borrowed<CallPolicy> { call.policy }
    var snapshot: Borrowed<Snapshot> { call.snapshot.reference }
    /// `nil` for a caller without a token, and before authentication.
    var identity: VerifiedIdentity? { call.identity }
    var address: IPAddress? { call.origin?.address }

    /// `/SERVICE/METHOD` of an RPC, also where its route strips what stood before it; else the path.
    var methodPath: BorrowedBytes {
        let name = call.rpcName
        guard let start = name.baseAddress, !name.isEmpty else { return facts.path }
        // A slash stands before it.
        return BorrowedBytes(start: start - 1, count: name.count + 1)
    }

    func connection<Result>(_ body: (ServerConnection) -> Result) -> Result { stream.serverConnection(body) }

    /// The first field of the head with this name, in lower case.
    func field(_ name: [UInt8]) -> BorrowedBytes? {
        let fields = stream.fields
        return name.withUnsafeBytes { name in
            for index in 0..<stream.trailersStart where fields[index].nameBytes.equals(name) { return fields[index].valueBytes }
            return nil
        }
    }

    /// Of the request, as far as it is known: a trusted proxy may say that its caller spoke TLS.
    var scheme: StaticString {
        let isSecure = connection { $0.isSecure }
        return call.origin?.forwardedProto(fields: stream.fields, isSecure: isSecure) ?? (isSecure ? "https" : "http")
    }

    /// The first URI among the names of the caller's certificate.
    var certificateURI: String? {
        for name in connection({ $0.peerCertificate?.names }) ?? [] {
            if case .uri(let text) = name { return text }
        }
        return nil
    }

    // MARK: Time, chance and counting

    var now: Instant { worker.now }
    var wall: WallTime { worker.context.loop.wall }
    func random() -> UInt64 { worker.randomness.next() }
    func count(_ event: GatewayEvent) { worker.metrics.count(event) }

    // MARK: What can be done

    /// Answers with a refusal.
    ///
    /// - Parameter refuser: the configured rule or limit that it comes from.
    func refuse(_ cause: RefusalCause, by refuser: Call.Refuser? = nil) -> FilterVerdict {
        worker.calls.fail(call, cause, by: refuser)
        return .replied
    }

    /// Begins an answer of the filter's own; the filter sends it and returns `.replied`.
    ///
    /// - Parameter detail: what the log says of it.
    func reply(status: Int, _ detail: StaticString) -> LocalReply {
        worker.calls.handle(call, .replied)
        call.outcome.remark(detail)
        return LocalReply(to: call, status: status, worker)
    }

    /// Sends another path upstream than the caller's.
    func rewrite(target: BorrowedBytes) { call.facts.rewrite(target: target) }

    /// Sends more fields upstream than the caller's, whose bytes lie in the arena of the caller's stream.
    func addFields(_ fields: [Field]) {
        guard !fields.isEmpty else { return }
        call.addedFields = fields.withUnsafeBufferPointer { FieldList(stream.fields.keepFields($0)) }
    }

    /// The call ends then, whatever it has come to.
    func setDeadline(_ instant: Instant) {
        call.deadline = instant
        worker.timers.arm(call.timer, at: instant)
    }

    /// Has the call wait for an answer from elsewhere; the filter returns `.suspended`.
    func suspend() -> SuspensionToken { SuspensionToken(suspending: call) }

    /// A rule or limit under trial would have refused it.
    func recordShadow(_ name: String) { call.recordShadow(name) }
}
