internal import Bridging
package import Bytes
internal import Calls
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Net
internal import RateLimit
internal import Reactor
internal import Routing
package import Snapshots
internal import TLS
internal import Time
internal import Transport
package import Upstreams

/// A call as filters see it: what has arrived and was found out of it, and what can be done about it. Made for the length of one filter.
package struct CallView {
    private let call: Record<Call>
    private let services: FilterServices

    @inline(__always)
    package init(_ call: Record<Call>, _ services: FilterServices) {
        self.call = call
        self.services = services
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
    var identity: VerifiedIdentity? {
        get { call.identity }
        nonmutating set { call.identity = newValue }
    }
    /// What operators have done about tenants; `nil` for nothing.
    @inline(__always)
    var tenants: Borrowed<TenantTable>? { services.tenants }
    /// An operator has had the calls of its tenant refused.
    var isBlocked: Bool { services.isBlocked(call) }
    /// To the upstream it is a gRPC call.
    var isRPC: Bool { call.isRPC }
    /// Its answer has no body, also where the request has been converted.
    var isHead: Bool { call.facts.method.equals("HEAD") || call.bridge?.isHead ?? false }
    /// An HTTP request that means an RPC by a schema.
    var isTranscoded: Bool { call.transcoding != nil }
    /// A converter stands between the caller and the upstream.
    var isConverted: Bool { call.bridge != nil }
    /// Why it cannot be converted; told by a filter, once those before it have let the call pass.
    var conversionFailure: RefusalCause? { call.bridge?.failure }
    /// What of a body the listener takes; `nil` where all of it is taken.
    var bodyBytesMax: Int? { call.bodyBytesMax == .max ? nil : call.bodyBytesMax }
    /// `SERVICE/METHOD`; empty where it is no RPC.
    package var rpcName: BorrowedBytes { call.rpcName }
    var outcome: Call.Outcome { call.outcome }
    /// Where its attempt was made, or is.
    var endpoint: Borrowed<Endpoint>? { call.endpoint }
    /// Where it leads.
    package var cluster: Borrowed<Cluster> { call.cluster }
    /// Of the first source that the call has; `nil` where it has none.
    func hash(by policy: HashPolicy) -> UInt64? { policy.hash(call) }
    /// Which pages may read the answer, and the page that asks, where it may.
    var pages: (policy: Borrowed<CORSPolicy>, origin: BorrowedBytes?)? {
        guard let policy = call.cors else { return nil }
        return (policy, call.corsOrigin)
    }
    var address: IPAddress? { call.origin?.address }
    /// The peer is among `trusted_proxies`.
    var isFromTrustedPeer: Bool { call.origin?.isProxied ?? false }

    /// `/SERVICE/METHOD` of an RPC, also where its route strips what stood before it; else the path.
    var methodPath: BorrowedBytes {
        let name = call.rpcName
        guard let start = name.baseAddress, !name.isEmpty else { return facts.path }
        // A slash stands before it.
        return BorrowedBytes(start: start - 1, count: name.count + 1)
    }

    /// Whether no caller who is not trusted can have a field of this name reach an upstream.
    func isOurs(_ name: BorrowedBytes) -> Bool { HeaderSanitizing.isOurs(name, call) }

    /// No upstream gets them, and nothing behind this reads them.
    func removeCredentials() {
        let stream = call.downstream
        // Others know fields by their place, so what is removed is replaced by one that is sent nowhere.
        for index in 0..<stream.trailersStart where stream.fields[index].token == .authorization {
            stream.fields.suppress(at: index)
        }
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

    /// The caller's id where a trusted proxy vouches for it, else a new one.
    func requestID() -> BorrowedBytes { call.requestID(&services.context.random) }

    // MARK: Time, chance and counting

    var now: Instant { services.context.loop.now }
    var wall: WallTime { services.context.loop.wall }
    func random() -> UInt64 { services.context.random.next() }
    func count(_ event: GatewayEvent) { services.metrics.count(event) }

    // MARK: What can be done

    /// Answers with a refusal.
    ///
    /// - Parameter source: the configured rule or limit that it comes from.
    func refuse(_ cause: RefusalCause, by source: Call.RefusalSource? = nil) -> FilterVerdict {
        services.host.refuse(call, cause, by: source)
        return .replied
    }

    /// Begins an answer of the filter's own; the filter sends it and returns `.replied`.
    ///
    /// - Parameter detail: what the log says of it.
    func reply(status: Int, _ detail: StaticString) -> LocalReply {
        services.host.willReply(call)
        call.outcome.remark(detail)
        return LocalReply(to: call, status: status, services)
    }

    /// Has the filter see the answer too.
    func seeAnswer(_ filter: Filter) { call.answerFilters.insert(filter) }

    /// Has a filter see the request that the policy does not list; it stands behind this one.
    func add(_ filter: Filter) { call.filtersLeft.insert(filter) }

    /// Sends another path upstream than the caller's.
    func rewrite(target: BorrowedBytes) { call.facts.rewrite(target: target) }

    /// Sends more fields upstream than the caller's; they lie in the arena of the caller's stream, and so do their bytes.
    func addFields(_ fields: FieldList) {
        if !fields.isEmpty { call.addedFields = fields }
    }

    /// Renders a text in a buffer of the worker's, one at a time.
    @inline(__always)
    func withText<Result>(_ render: (inout ByteBuffer) -> Result) -> Result { render(&services.text) }

    /// Who may read the answer, and the page that asks, where it may.
    package func setCORS(_ policy: CORSPolicy, origin: BorrowedBytes?) {
        call.cors = Borrowed(policy)
        call.corsOrigin = origin
        seeAnswer(.cors)
    }

    /// The call ends then, whatever it has come to.
    ///
    /// - Parameter origin: whose time it is: none of these flags, or one.
    func setDeadline(_ instant: Instant, _ origin: Call.Flags) {
        call.flags.formUnion(origin)
        call.deadline = instant
        services.context.loop.timers.arm(call.timer, at: instant)
    }

    /// For the log, and what follows.
    func record(_ flag: Call.Flags) { call.flags.insert(flag) }
    func has(_ flag: Call.Flags) -> Bool { call.flags.contains(flag) }

    /// Has the call wait for an answer from elsewhere; the filter returns `.suspended`.
    func suspend() -> SuspensionToken { SuspensionToken(suspending: call) }

    /// Has the call wait for the answer of a limit store, which has the request until then.
    func suspend(on request: LimitRequest) {
        let token = suspend()
        request.context = token.context
        request.tag = token.tag
        call.limitRequest = Borrowed(request)
    }

    /// Has the answer carry the state of limits.
    func report(_ limits: [LimitState], in families: LimitHeaders.Families) {
        guard !families.isEmpty, !limits.isEmpty else { return }
        call.limits = ReportedLimits(
            states: (call.limits?.states ?? []) + limits, families: families.union(call.limits?.families ?? []))
        seeAnswer(.limits)
    }

    /// For the log. Of several stages the limit with the fewest hits left.
    func recordTightest(_ request: LimitRequest, _ index: Int) {
        let remaining = request.verdict(at: index).remaining
        guard call.tightestLimit == nil || remaining <= call.tightestRemaining else { return }
        call.tightestLimit = request.limit(at: index)
        call.tightestRemaining = remaining
    }

    var meter: StreamMeter? { call.meter }

    /// Counts what has come of the call's streams before its limits were known, too.
    func add(_ gauge: StreamGauge, _ metering: StreamMetering) {
        let meter = call.meter ?? StreamMeter()
        call.meter = meter
        meter.add(gauge)
        let call = call
        gauge.request.answered = { [unowned gauge, unowned metering] in metering.answered(gauge, call) }
        switch gauge.counting.measure {
        case .requestBytes: gauge.carry(call.downstream.bodyBytesReceived)
        case .requestMessages: call.body.forEachChunk { gauge.carry($0) }
        case .responseBytes, .responseMessages: break
        }
    }

    /// False where the call is over by what it has sent already.
    func admit(_ metering: StreamMetering) -> Bool {
        metering.admit(call)
        return call.machine.isUnderWay
    }

    /// Forgets what a stage has prepared that has not let the call pass.
    func dropUnadmitted(_ metering: StreamMetering) {
        if let gauges = call.meter?.removeUnadmitted() { metering.discard(gauges) }
        guard let charge = call.responseCharge, !charge.isAdmitted else { return }
        charge.limiter.recycle(charge.request)
        call.responseCharge = charge.earlier
    }

    func takeMeter() -> StreamMeter? {
        guard let meter = call.meter else { return nil }
        call.meter = nil
        return meter
    }

    func end(_ meter: StreamMeter, _ metering: StreamMetering) { metering.end(call, meter) }

    func makeResponseCharge(_ limiter: Limiter) -> ResponseCharge {
        ResponseCharge(limiter, limiter.makeRequest(), after: call.responseCharge)
    }

    /// Has the answer say what limits charge the call at its end.
    func expect(_ charge: ResponseCharge) {
        call.responseCharge = charge
        seeAnswer(.limits)
    }

    func admitResponseCharge() { if let charge = call.responseCharge { charge.isAdmitted = true } }

    func takeResponseCharge() -> ResponseCharge? {
        guard let charge = call.responseCharge else { return nil }
        call.responseCharge = nil
        return charge
    }

    /// The state of limits that the answer carries.
    var reportedLimits: ReportedLimits? { call.limits }

    /// Has the call wait for a while.
    func suspend(for duration: Duration, then decide: @escaping (CallView) -> FilterVerdict) -> Timer {
        let token = suspend()
        let timer = Timer(on: services.context.loop) { [unowned(unsafe) services] in services.host.resume(token, decide) }
        timer.arm(after: duration)
        return timer
    }

    /// The store's answer is of no use any more.
    func abandonLimitRequest() {
        guard let request = call.limitRequest else { return }
        request { $0.abandon() }
        call.limitRequest = nil
    }

    /// Has the call hold these until its end.
    @inline(never)
    func hold(_ holds: LimitHold) {
        var last = holds
        while let next = last.next { last = next }
        last.next = call.limitHolds
        call.limitHolds = holds
    }

    func releaseHolds() {
        guard let holds = call.limitHolds else { return }
        call.limitHolds = nil
        holds.release()
    }

    func convert() { services.host.convert(call) }

    /// False where the answer goes as it is.
    func compressAnswer() -> Bool { services.host.compressAnswer(call) }

    /// The call has been answered meanwhile.
    var isAnswered: Bool { call.machine.isAnswered }

    /// Sends the call to one of its route's clusters, and keeps what else was decided.
    func shape(_ traffic: TrafficState) { call.traffic = traffic }

    func beginMirror(_ mirror: TrafficPlan.Mirror) { services.host.beginMirror(call, mirror) }

    /// Why a call of the route's priority is not taken now; `nil` where it is.
    @inline(__always)
    var overload: RefusalCause? {
        let admission = services.admission
        let pressure = admission.pressure
        guard pressure.rawValue > 0 else { return nil }
        return admission.refusal(under: pressure, priority: route.priority)
    }

    /// A rule or limit in shadow mode would have refused it.
    package func recordShadow(_ name: String) { call.recordShadow(name) }
}
