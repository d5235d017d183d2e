package import Bridging
package import Bytes
package import GRPC
package import HTTPModel
package import RateLimit
package import Reactor
package import Routing
package import Time

/// One request and its response inside the gateway: the only state there is per request.
///
///     filtering ─▶ suspended ─▶ waiting ─▶ requesting ─▶ responding ─▶ over
///         │            │           │           │             │
///         └────────────┴───────────┴───────────┴─ refused ───┴────▶ over
///
/// A slab record of the worker: born when the head has arrived downstream, given back when the downstream stream closes.
/// What is sent upstream is its `Attempt`s' affair.
package struct Exchange {
    package var worker: Unmanaged<GatewayWorker>?
    package var downstream: StreamPointer?
    /// The attempt whose answer is, or will be, the caller's.
    package var attempt: AttemptPointer
    package var phase = Phase.over
    package var flags: Flags = []
    /// Tells a late answer (of a limit store) that this exchange is no longer the one that asked.
    package var generation: UInt32 = 0

    package var facts: HeadFacts?
    package var clientProtocol = ClientProtocol.http
    package var snapshot: Unmanaged<WorkerSnapshot>?
    package var route: Unmanaged<Route>?
    package var policy: Unmanaged<CallPolicy>?
    package var filterIndex: UInt8 = 0
    /// `nil` for a caller without a token.
    package var identity: VerifiedIdentity?
    /// The limits that a store is asked about.
    package var limitRequest: Unmanaged<LimitRequest>?
    package var origin: ClientOrigin?
    /// In the arena of the downstream stream.
    package var requestID: UnsafeRawBufferPointer?

    /// Converts between the caller's protocol and gRPC; `nil` for native calls, and for whatever is passed on as it is.
    package var bridge: Bridge?

    /// What the route's traffic plan has decided; `nil` for nearly every exchange.
    package var shaping: Shaping?

    /// Which pages may read the answer: its route's, kept alive by the snapshot; `nil` where the route says nothing of it.
    package var cors: Unmanaged<CORSPolicy>?
    /// The page's origin, where `cors` lets it call: in the arena of the downstream stream.
    package var corsOrigin: UnsafeRawBufferPointer?

    /// Request body that arrived before the upstream answered: sent on once there is an upstream, and again by a retry.
    package var body = ByteChain()
    package var bodyBytesMax = Int.max
    /// How much of the request body the downstream window has got back.
    package var bodyConsumed = 0
    /// How many were begun.
    package var attempts: UInt8 = 0
    /// What has become of its attempts, where it has or may have had several; `nil` for nearly every exchange.
    package var trial: Trial?

    package var began = Instant(nanoseconds: 0)
    package var upstreamNanoseconds: UInt64 = 0
    package var deadline = Instant.distantFuture
    package let timer: UnsafeMutablePointer<TimerNode>

    /// Where the answer stands between its messages.
    package var boundary = BoundaryTracker()
    /// What the answer was, for the log and the counters.
    package var outcome = Outcome()

    /// What refused it, for the log; `nil` where neither a rule nor a limit did.
    package var refuser: Refuser?
    /// Why TLS to the endpoint failed, for the log.
    package var transportFailure: String?

    /// The names of rules and limits under trial that would have refused it; `nil` for nearly every exchange.
    package private(set) var shadows: [UInt8]?

    package enum Phase: UInt8 {
        /// The filters have it.
        case filtering
        /// A filter waits for an answer from elsewhere.
        case suspended
        /// No upstream connection has room yet.
        case waiting
        /// Sent upstream; no answer yet.
        case requesting
        /// The answer's head has gone downstream: committed.
        case responding
        /// Answered in full, or refused, or gone.
        case over
    }

    package struct Flags: OptionSet {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        /// The caller has sent everything.
        package static var requestEnded: Flags { Flags(rawValue: 1) }
        /// `body` no longer holds the request's beginning: it cannot be sent again.
        package static var bodyDropped: Flags { Flags(rawValue: 2) }
        /// The answer carried a grpc-status.
        package static var statusSeen: Flags { Flags(rawValue: 4) }
        /// The answer was ours.
        package static var localReply: Flags { Flags(rawValue: 8) }
        /// Its time is the caller's own, `grpc-timeout`, and not the route's.
        package static var callerSetDeadline: Flags { Flags(rawValue: 16) }
        /// Its limits were counted by this process alone, because the store did not answer.
        package static var limitsLocal: Flags { Flags(rawValue: 32) }
        /// Its limits were not counted, because the store did not answer.
        package static var limitsUncounted: Flags { Flags(rawValue: 64) }
        /// Its time is the route's `max_stream_duration`, which an upstream is not told.
        package static var endsByDuration: Flags { Flags(rawValue: 128) }
        /// Another attempt may take the place of the one that is under way.
        package static var onTrial: Flags { Flags(rawValue: 256) }
        /// Another attempt was wanted, and as many as may be had been made.
        package static var attemptsExhausted: Flags { Flags(rawValue: 512) }
        /// Another attempt was wanted, and the cluster's budget had none left.
        package static var budgetExhausted: Flags { Flags(rawValue: 1024) }
        /// Its time was up while an answer waited for the end of the tick, and acts once that has been written.
        package static var deadlineDeferred: Flags { Flags(rawValue: 2048) }
    }

    /// The configured rule or limit, by its name, that a refusal comes from.
    package enum Refuser {
        case rule(String)
        case limit(String)

        var name: String {
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
        package var flag: StaticString = ""
        package var detail: StaticString = ""
        package var responseBytes = 0
    }

    /// - Parameter attempt: of its own.
    init(timer: UnsafeMutablePointer<TimerNode>, attempt: AttemptPointer) {
        self.timer = timer
        self.attempt = attempt
    }

    mutating func begin(on stream: StreamPointer, at now: Instant, worker: Unmanaged<GatewayWorker>) {
        self.worker = worker
        downstream = stream
        phase = .filtering
        began = now
    }

    @inline(__always) package var upstream: StreamPointer? { attempt.pointee.stream }
    @inline(__always) package var endpoint: Unmanaged<Endpoint>? { attempt.pointee.endpoint }

    /// To the upstream it is a gRPC call. (`||` would put a copy of the record into its closure.)
    @inline(__always) var isRPC: Bool {
        if case .grpc = clientProtocol { return true }
        return bridge != nil
    }

    /// `SERVICE/METHOD` of an RPC, a part of its path behind the first slash; empty for anything else.
    @inline(__always)
    var rpcName: UnsafeRawBufferPointer {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        if case .http = clientProtocol { guard bridge != nil else { return none } }
        guard let facts, let start = facts.service.baseAddress, !facts.service.isEmpty else { return none }
        return UnsafeRawBufferPointer(start: start, count: facts.service.count + 1 + facts.rpc.count)
    }

    /// It has one of the log fields that most calls do not have.
    @inline(__always) var hasRareLogFields: Bool {
        if refuser != nil { return true }
        if transportFailure != nil { return true }
        return shadows != nil
    }

    /// Its answer ends before all of it has left.
    mutating func recordCut(flag: StaticString, detail: StaticString) {
        outcome.flag = flag
        outcome.detail = detail
        outcome.grpcStatus = .cancelled
    }

    mutating func recordShadow(_ name: String) {
        var names = shadows ?? []
        if !names.isEmpty { names.append(UInt8(ascii: ",")) }
        names.append(contentsOf: name.utf8)
        shadows = names
    }

    /// Gives back what it holds, and is as new but for its generation, its worker, and the times that its next `begin` sets.
    ///
    /// Field by field: to write a new record over this one takes three times as long.
    mutating func finish(pool: ChunkPool) {
        body.removeAll(pool: pool)
        attempt.pointee.finish()
        downstream = nil
        phase = .over
        flags = []
        generation &+= 1
        facts = nil
        clientProtocol = .http
        snapshot = nil
        route = nil
        policy = nil
        filterIndex = 0
        identity = nil
        limitRequest = nil
        origin = nil
        requestID = nil
        if bridge != nil { bridge = nil }
        if shaping != nil { shaping = nil }
        cors = nil
        corsOrigin = nil
        bodyBytesMax = .max
        bodyConsumed = 0
        attempts = 0
        upstreamNanoseconds = 0
        deadline = .distantFuture
        boundary = BoundaryTracker()
        outcome = Outcome()
        if refuser != nil { refuser = nil }
        if transportFailure != nil { transportFailure = nil }
        if shadows != nil { shadows = nil }
        if trial != nil { trial = nil }
    }
}

extension Exchange {
    /// All of what the upstream needs is still here, and no answer has begun.
    var canBeSentAgain: Bool {
        switch phase {
        case .filtering, .waiting, .requesting: !flags.contains(.bodyDropped)
        case .suspended, .responding, .over: false
        }
    }
}

package typealias ExchangePointer = UnsafeMutablePointer<Exchange>
