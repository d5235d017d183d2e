internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Metrics
internal import Net
internal import Protobuf
internal import RateLimit
package import Reactor
internal import Routing
internal import Snapshots
internal import TLS
package import Telemetry
internal import Time
internal import Transcoding
internal import Transport
internal import Upstreams

/// A worker's access log: hands the lines of a tick over at its end.
package final class AccessLogger: Flushable {
    private let ring: AccessLogRing
    /// `ring`, asked at every call without counting references.
    private let ringReference: Borrowed<AccessLogRing>
    private unowned(unsafe) let loop: EventLoop
    private var isDirty = false

    package init(ring: AccessLogRing, loop: EventLoop) {
        self.ring = ring
        ringReference = Borrowed(ring)
        self.loop = loop
    }

    /// The log is on.
    var isEnabled: Bool { ringReference { $0.isEnabled } }

    func append(_ entry: borrowing AccessLogEntry) {
        ring.append(entry)
        guard !isDirty else { return }
        isDirty = true
        loop.markDirty(self)
    }

    package func flush() {
        isDirty = false
        ring.publish()
    }
}

extension GatewayWorker {
    /// Counts a call that is over, and writes its line.
    func record(_ call: Record<Call>) {
        let duration = now.nanoseconds(since: call.began)
        let method = call.rpcName
        let status = call.outcome.grpcStatus
        // A method that no upstream has answered for may be invented.
        var exists = !call.flags.contains(.gatewayFailed)
        if case .unimplemented = status { exists = false }
        let group = call.route.calls
        let series = callTable {
            $0.series(group, method: method, mayCreate: exists) { call.schemaMethod != nil }
        }
        let code = status ?? StatusCode(httpStatusWithoutGRPCStatus: call.outcome.httpStatus)
        let isPlainSuccess = status == nil && (200..<400).contains(call.outcome.httpStatus)
        shard {
            $0.record(series, status: isPlainSuccess ? 0 : Int(code.rawValue), nanoseconds: duration)
        }
        if let accessLogReference, accessLogReference({ $0.isEnabled }) {
            accessLogReference { write(call, duration, to: $0) }
        }
    }

    private func write(_ call: Record<Call>, _ duration: UInt64, to log: AccessLogger) {
        let stream = call.downstream
        var entry = AccessLogEntry(time: context.loop.wall)
        let outcome = call.outcome
        let connection = stream.connection { unsafeDowncast($0, to: ServerConnection.self) }
        entry.requestID = call.requestID(&context.random)
        entry.protocolName = AccessLogEntry.text(connection.protocolName)
        if call.facts.isRead {
            let facts = call.facts
            entry.authority = facts.authority
            // What a bridge makes of it is not what was called.
            entry.method =
                call.bridge == nil ? facts.method : stream.fields.first(.method)?.valueBytes ?? facts.method
            entry.path = facts.path
            // A plain request's path of two segments names no RPC.
            if !call.rpcName.isEmpty { (entry.grpcService, entry.grpcMethod) = (facts.service, facts.rpc) }
        } else {
            entry.method = stream.fields.first(.method)?.valueBytes ?? entry.method
            entry.path = stream.fields.first(.path)?.valueBytes ?? entry.path
        }
        entry.userAgent = stream.fields.first(.userAgent)?.valueBytes ?? entry.userAgent
        if let field = stream.fields.first(.traceparent) { entry.trace = TraceContext(parsing: field.valueBytes) }
        // A head that was reset before it was written has not been sent.
        entry.status = stream.flags.contains(.headSent) ? outcome.httpStatus : 0
        if let status = outcome.grpcStatus, call.isRPC || call.clientProtocol != .http {
            entry.grpcStatus = Int(status.rawValue)
        }
        entry.responseFlag = AccessLogEntry.text(outcome.flag)
        entry.detail = AccessLogEntry.text(outcome.detail)
        if !call.flags.isDisjoint(with: [.attemptsExhausted, .budgetExhausted]) { recordExhausted(call, &entry) }
        if call.flags.contains(.limitsLocal) { entry.limits = AccessLogEntry.text("local") }
        if call.flags.contains(.limitsUncounted) { entry.limits = AccessLogEntry.text("uncounted") }
        if let fallback = call.traffic?.fallback { entry.fallback = AccessLogEntry.text(fallback.text) }
        entry.bytesReceived = UInt64(stream.bodyBytesReceived)
        entry.bytesSent = UInt64(stream.bodyBytesSent)
        entry.durationMicroseconds = duration / 1000
        entry.attempts = Int(call.attempts)
        if call.attempts > 0 { entry.upstreamDurationMicroseconds = call.upstreamNanoseconds / 1000 }
        entry.tlsVersion = AccessLogEntry.text(connection.tlsVersion?.text ?? "")
        // What lies in Swift arrays is only good inside these closures.
        withAddress(call, connection) { address in
            entry.downstreamAddress = address
            withRoute(call) { route, cluster, endpoint in
                entry.route = route
                entry.cluster = cluster
                entry.upstreamAddress = endpoint
                withIdentity(call) { tenant, plan, subject, issuer in
                    entry.tenant = tenant
                    entry.plan = plan
                    entry.subject = subject
                    entry.issuer = issuer
                    if call.hasRareLogFields { append(call, &entry, to: log) } else { log.append(entry) }
                }
            }
        }
    }

    /// There was no other attempt after one that failed: beside how that one did, or in its place where its answer has passed.
    private func recordExhausted(_ call: Record<Call>, _ entry: inout AccessLogEntry) {
        let isLimit = call.flags.contains(.attemptsExhausted)
        entry.secondFlag = AccessLogEntry.text(isLimit ? "URX" : "UO")
        if entry.detail.isEmpty || (!isLimit && entry.responseFlag.elementsEqual(entry.secondFlag)) {
            entry.detail = AccessLogEntry.text(isLimit ? "retry_limit_exceeded" : "retry_budget_exhausted")
        }
    }

    /// With the fields that most calls do not have.
    private func append(_ call: Record<Call>, _ entry: inout AccessLogEntry, to log: AccessLogger) {
        var (name, failure) = (call.refusalSource?.name ?? "", call.transportFailure ?? "")
        var tightest = call.refusalSource == nil ? call.tightestLimit?.name ?? "" : ""
        entry.limitKey = filters.limits.loggedKey(call)
        name.withUTF8 { name in
            switch call.refusalSource {
            case .rule?: entry.rule = BorrowedBytes(name)
            case .limit?: entry.limit = BorrowedBytes(name)
            case nil: break
            }
            tightest.withUTF8 { tightest in
                entry.tightestLimit = BorrowedBytes(tightest)
                failure.withUTF8 { failure in
                    entry.transportFailure = BorrowedBytes(failure)
                    (call.shadows ?? []).withUnsafeBytes { shadows in
                        entry.shadow = shadows
                        log.append(entry)
                    }
                }
            }
        }
    }

    private func withAddress(
        _ call: Record<Call>, _ connection: ServerConnection, _ body: (BorrowedBytes) -> Void
    ) {
        if let origin = call.origin, origin.isProxied, let address = origin.address {
            var text = address.description
            text.withUTF8 { body(BorrowedBytes($0)) }
        } else {
            body(connection.peerText)
        }
    }

    private func withRoute(
        _ call: Record<Call>,
        _ body: (BorrowedBytes, BorrowedBytes, BorrowedBytes) -> Void
    ) {
        let none = BorrowedBytes.none
        guard call.isRouted else { return body(none, none, none) }
        let route = call.route
        route { route in
            route.nameBytes.withUnsafeBytes { name in
                guard route.leadsToCluster else { return body(name, none, none) }
                call.cluster { cluster in
                    cluster.nameBytes.withUnsafeBytes { cluster in
                        guard let endpoint = call.endpoint else { return body(name, cluster, none) }
                        endpoint { endpoint in
                            endpoint.addressText.withUnsafeBytes { body(name, cluster, $0) }
                        }
                    }
                }
            }
        }
    }

    private func withIdentity(
        _ call: Record<Call>,
        _ body: (BorrowedBytes, BorrowedBytes, BorrowedBytes, BorrowedBytes) -> Void
    ) {
        let none = BorrowedBytes.none
        guard let identity = call.identity else { return body(none, none, none, none) }
        (identity.tenant ?? []).withUnsafeBytes { tenant in
            identity.planName.withUnsafeBytes { plan in
                identity.subject.withUnsafeBytes { subject in
                    identity.issuer.withUnsafeBytes { body(tenant, plan, subject, $0) }
                }
            }
        }
    }
}
