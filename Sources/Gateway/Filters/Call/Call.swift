package import Bridging
// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes
package import Calls
package import GRPC
internal import GatewayModel
public import HTTPModel
package import RateLimit
package import Reactor
package import Routing
package import Snapshots
package import Time
package import Transcoding
package import Upstreams

/// One request and its response inside the gateway: what every call has. Attempts, bridges and retries, which few have, are reached from here. `CallMachine` says where it stands.
///
/// A slab record of the worker: begun when the head has arrived downstream, given back when the downstream stream closes.
/// What is sent upstream is held by its `Attempt`s. Usable from inline, as its flags are: the worker asks for them at every event.
@usableFromInline package struct Call {
    package var downstream: StreamPointer
    /// The attempt whose answer is, or will be, the caller's.
    @usableFromInline package var attempt: Record<Attempt>
    package var machine = CallMachine()
    package var flags: Flags = []
    /// Tells a late answer (of a limit store) that this call is no longer the one that asked.
    package var generation: UInt32 = 0

    package var facts = HeadFacts.none
    package var clientProtocol = ClientProtocol.http
    package var snapshot: Borrowed<WorkerSnapshot>
    package var route: Borrowed<Route>
    package var policy: Borrowed<CallPolicy>
    /// Filters that have not seen the request yet.
    package var filtersLeft: FilterList = []
    /// Filters that asked to see the answer when they saw the request.
    var answerFilters: FilterList = []
    /// Fields that filters add to those of the caller, in the arena of the downstream stream.
    var addedFields: FieldList?
    /// What tells the upstream of the request as it arrived, in the same arena; made once, for the first head that is written.
    var forwardedFields: FieldList?
    /// How an HTTP request that means an RPC by a schema is converted.
    package var transcoding: Borrowed<TranscodingPlan>?
    /// `nil` for a caller without a token.
    package var identity: VerifiedIdentity?
    /// The request that a limit store has and has not answered.
    package var limitRequest: Borrowed<LimitRequest>?
    /// What it holds of limits on calls in flight until its end; `nil` for nearly every call.
    var limitHolds: LimitHold?
    /// The state of its limits that its answer reports; `nil` for nearly every call.
    var limits: ReportedLimits?
    /// For the log: the limit that refused it, or else the one with the fewest hits left, and how many those were.
    package var tightestLimit: Limit?
    var tightestRemaining: UInt64 = 0
    /// What its limits are charged at its end; `nil` for nearly every call.
    var responseCharge: ResponseCharge?
    /// Limits inside its streams; `nil` for nearly every call.
    package var meter: StreamMeter?
    package var origin: ClientOrigin?
    /// In the arena of the downstream stream.
    package var requestID: BorrowedBytes?

    /// Converts between the caller's protocol and gRPC; `nil` for native calls, and for whatever is passed on as it is.
    package var bridge: Bridge?

    /// Compresses the answer's body; `nil` for nearly every call.
    package var compressor: AnswerCompressor?

    /// What the route's traffic plan has decided; `nil` for nearly every call.
    package var traffic: TrafficState?

    /// Which pages may read the answer: its route's, kept alive by the snapshot; `nil` where the route says nothing of it.
    package var cors: Borrowed<CORSPolicy>?
    /// The page's origin, where `cors` lets it call: in the arena of the downstream stream.
    var corsOrigin: BorrowedBytes?

    /// Request body that arrived before the upstream answered: sent on once there is an upstream, and again by a retry.
    package var body = ByteChain()
    package var bodyBytesMax = Int.max
    /// How much of the request body the downstream window has got back.
    package var bodyConsumed = 0
    /// How many attempts were begun.
    package var attempts: UInt8 = 0
    /// Retries and hedges of the call; `nil` until an attempt has failed, or a hedge is due.
    package var retry: RetryState?

    package var began = Instant(nanoseconds: 0)
    package var upstreamNanoseconds: UInt64 = 0
    package var deadline = Instant.distantFuture
    package let timer: RecordTimer

    /// Whether the bytes of the answer so far end between two messages.
    package var boundary = BoundaryTracker()
    /// What the answer was, for the log and the counters.
    package var outcome = Outcome()

    /// The rule or limit that refused it, for the log.
    package var refusalSource: RefusalSource?
    /// Why TLS to the endpoint failed, for the log.
    package var transportFailure: String?

    /// Names of rules and limits in shadow mode that would have refused it, separated by commas.
    package fileprivate(set) var shadows: [UInt8]?

    @usableFromInline package struct Flags: OptionSet {
        @usableFromInline package let rawValue: UInt16
        @inlinable package init(rawValue: UInt16) { self.rawValue = rawValue }
        /// The caller has sent everything.
        @inlinable package static var requestEnded: Flags { Flags(rawValue: 1) }
        /// `body` no longer holds the request's beginning: it cannot be sent again.
        @inlinable package static var bodyDropped: Flags { Flags(rawValue: 2) }
        /// The answer carried a grpc-status.
        @inlinable package static var statusSeen: Flags { Flags(rawValue: 4) }
        /// The gateway has refused it, or failed to complete it: no upstream has shown that its method exists.
        @inlinable package static var gatewayFailed: Flags { Flags(rawValue: 8) }
        /// Its deadline comes from the caller's `grpc-timeout`, and not from its route.
        @inlinable package static var callerSetDeadline: Flags { Flags(rawValue: 16) }
        /// Its limits were counted by this process alone, because the store did not answer.
        @inlinable package static var limitsLocal: Flags { Flags(rawValue: 32) }
        /// Its limits were not counted, because the store did not answer.
        @inlinable package static var limitsUncounted: Flags { Flags(rawValue: 64) }
        /// Its deadline is the route's `max_stream_duration`, which is not sent upstream.
        @inlinable package static var endsByDuration: Flags { Flags(rawValue: 128) }
        /// An endpoint was sent the request, by an attempt that is over.
        @inlinable package static var endpointReached: Flags { Flags(rawValue: 256) }
        /// Its caller takes gzip, and it carries no credential that forbids it.
        @inlinable package static var takesGzip: Flags { Flags(rawValue: 4096) }
        /// Its answer sets a cookie, though what the caller gets of it may not say so.
        @inlinable package static var answerSetsCookie: Flags { Flags(rawValue: 8192) }
        /// Another attempt was wanted, but the policy's number of attempts had been reached.
        @inlinable package static var attemptsExhausted: Flags { Flags(rawValue: 512) }
        /// Another attempt was wanted, but the cluster's retry budget was exhausted.
        @inlinable package static var budgetExhausted: Flags { Flags(rawValue: 1024) }
        /// Its deadline passed while an answer was queued, and is handled once the tick has written it.
        @inlinable package static var deadlineDeferred: Flags { Flags(rawValue: 2048) }
    }

    /// The configured rule or limit, by its name, that a refusal comes from.
    package enum RefusalSource {
        case rule(String)
        case limit(String)

        package var name: String {
            switch self {
            case .rule(let name), .limit(let name): name
            }
        }
    }

    package struct Outcome {
        /// The HTTP status sent; 0 where none was.
        package var httpStatus: Int = 0
        package var grpcStatus: StatusCode?
        /// Envoy's short response flag, and what happened in words; empty where nothing went wrong.
        package private(set) var flag: StaticString = ""
        package private(set) var detail: StaticString = ""
        package var responseBytes = 0
        /// `record` has been called.
        package private(set) var isRecorded = false

        /// Records how the call went wrong. Only the first record counts.
        package mutating func record(flag: StaticString, detail: StaticString, _ status: StatusCode?) {
            guard !isRecorded else { return }
            isRecorded = true
            self.flag = flag
            self.detail = detail
            grpcStatus = status
        }

        /// A detail for the log of a call that has not gone wrong.
        package mutating func remark(_ detail: StaticString) {
            if !isRecorded { self.detail = detail }
        }
    }

    /// - Parameter attempt: of its own.
    package init(
        _ noCall: NoCall, serving snapshot: Borrowed<WorkerSnapshot>, timer: RecordTimer,
        attempt: Record<Attempt>
    ) {
        downstream = noCall.stream
        self.snapshot = snapshot
        route = noCall.route
        policy = noCall.policy
        self.timer = timer
        self.attempt = attempt
    }
}

extension Record<Call> {
    @inlinable @inline(__always) package var upstream: StreamPointer? { self.attempt.stream }
    @inline(__always) package var endpoint: Borrowed<Endpoint>? { self.attempt.endpoint }

    /// To the upstream it is a gRPC call. (`||` would put a copy of the record into its closure.)
    @inline(__always) package var isRPC: Bool {
        if case .grpc = self.clientProtocol { return true }
        return self.bridge != nil
    }

    /// Its caller speaks gRPC: nothing is converted.
    @inline(__always) package var isNative: Bool {
        if case .grpc = self.clientProtocol { return true }
        return false
    }

    /// `SERVICE/METHOD` of an RPC, a part of its path behind the first slash; empty for anything else.
    @inline(__always)
    package var rpcName: BorrowedBytes {
        let none = BorrowedBytes.none
        if case .http = self.clientProtocol { guard self.bridge != nil else { return none } }
        let facts = self.facts
        guard let start = facts.service.baseAddress, !facts.service.isEmpty else { return none }
        return BorrowedBytes(start: start, count: facts.service.count + 1 + facts.rpc.count)
    }

    /// Its route is known. Before that, and where no route matches, `route` is a placeholder.
    @inline(__always) package var isRouted: Bool { self.route.index >= 0 }

    /// It has one of the log fields that few calls have.
    @inline(__always) package var hasRareLogFields: Bool {
        if self.refusalSource != nil { return true }
        if self.transportFailure != nil { return true }
        if self.tightestLimit != nil { return true }
        return self.shadows != nil
    }

    /// By its route.
    @inline(__always) package var isHighPriority: Bool { self.route.priority == .high }

    /// All of what the upstream needs is still here, and no answer has begun.
    package var canBeSentAgain: Bool { self.machine.state == .dispatching && !self.flags.contains(.bodyDropped) }

    package func begin(on stream: StreamPointer, at now: Instant, serving snapshot: Borrowed<WorkerSnapshot>, _ noCall: NoCall) {
        self.downstream = stream
        self.snapshot = snapshot
        self.route = noCall.route
        self.policy = noCall.policy
        self.began = now
    }

    package func recordShadow(_ name: String) {
        var names = self.shadows ?? []
        if !names.isEmpty { names.append(UInt8(ascii: ",")) }
        names.append(contentsOf: name.utf8)
        self.shadows = names
    }

    /// Gives back what it holds, and is as new but for its generation, and what its next `begin` sets or the reading of its head.
    ///
    /// Field by field: to write a new record over this one takes three times as long.
    package func finish(pool: ChunkPool, _ noCall: NoCall) {
        self.body.removeAll(pool: pool)
        self.attempt.finish()
        self.downstream = noCall.stream
        self.machine = CallMachine()
        self.flags = []
        self.generation &+= 1
        self.clientProtocol = .http
        self.filtersLeft = []
        self.answerFilters = []
        self.transcoding = nil
        self.addedFields = nil
        self.forwardedFields = nil
        if self.identity != nil { self.identity = nil }
        self.limitRequest = nil
        if self.limits != nil { self.limits = nil }
        if self.tightestLimit != nil { self.tightestLimit = nil }
        if self.meter != nil { self.meter = nil }
        if self.responseCharge != nil { self.responseCharge = nil }
        self.origin = nil
        self.requestID = nil
        if self.bridge != nil { self.bridge = nil }
        if self.compressor != nil { self.compressor = nil }
        if self.traffic != nil { self.traffic = nil }
        self.cors = nil
        self.corsOrigin = nil
        self.bodyBytesMax = .max
        self.bodyConsumed = 0
        self.attempts = 0
        self.upstreamNanoseconds = 0
        self.deadline = .distantFuture
        self.boundary = BoundaryTracker()
        self.outcome = Call.Outcome()
        if self.refusalSource != nil { self.refusalSource = nil }
        if self.transportFailure != nil { self.transportFailure = nil }
        if self.shadows != nil { self.shadows = nil }
        if self.retry != nil { self.retry = nil }
    }
}
