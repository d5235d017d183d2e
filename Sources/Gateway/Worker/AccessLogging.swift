internal import Bytes
internal import HTTPModel
internal import Metrics
internal import GRPC
internal import Net
internal import Protobuf
internal import Routing
package import Reactor
internal import TLS
package import Telemetry
internal import Time
internal import Transcoding
internal import Transport

/// A worker's access log: hands the lines of a tick over at its end.
package final class AccessLogger: Flushable {
    private let ring: AccessLogRing
    /// `ring`, asked at every call without counting references.
    private let ringReference: Unmanaged<AccessLogRing>
    private unowned(unsafe) let loop: EventLoop
    private var isDirty = false

    package init(ring: AccessLogRing, loop: EventLoop) {
        self.ring = ring
        ringReference = .passUnretained(ring)
        self.loop = loop
    }

    /// The log is on.
    var isEnabled: Bool { ringReference._withUnsafeGuaranteedRef { $0.isEnabled } }

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
    /// Counts an exchange that is over, and writes its line.
    func record(_ exchange: ExchangePointer) {
        let duration = now.nanoseconds(since: exchange.pointee.began)
        let method = exchange.pointee.rpcName
        let status = exchange.pointee.outcome.grpcStatus
        // A method that no upstream has answered for may be invented.
        let exists = !exchange.pointee.flags.contains(.localReply) && status != .unimplemented
        let group = exchange.pointee.route?._withUnsafeGuaranteedRef { $0.calls } ?? unrouted
        let series = callTable._withUnsafeGuaranteedRef {
            $0.series(group, method: method, mayCreate: exists) { isInSchema(exchange, method) }
        }
        let code = status ?? StatusCode(httpStatusWithoutGRPCStatus: exchange.pointee.outcome.httpStatus)
        let isPlainSuccess = status == nil && (200..<400).contains(exchange.pointee.outcome.httpStatus)
        shard._withUnsafeGuaranteedRef {
            $0.record(series, status: isPlainSuccess ? 0 : Int(code.rawValue), nanoseconds: duration)
        }
        if let accessLogReference, accessLogReference._withUnsafeGuaranteedRef({ $0.isEnabled }) {
            accessLogReference._withUnsafeGuaranteedRef { write(exchange, duration, to: $0) }
        }
    }

    /// Whether the schema of the route's cluster has a method, by its name as metrics have it.
    private func isInSchema(_ exchange: ExchangePointer, _ name: UnsafeRawBufferPointer) -> Bool {
        guard let start = name.baseAddress, let route = exchange.pointee.route else { return false }
        // In the path a slash stands before it.
        let path = UnsafeRawBufferPointer(start: start - 1, count: name.count + 1)
        return route._withUnsafeGuaranteedRef { $0.transcoding?.schema.method(path: path) != nil }
    }

    private func write(_ exchange: ExchangePointer, _ duration: UInt64, to log: AccessLogger) {
        guard let stream = exchange.pointee.downstream else { return }
        var entry = AccessLogEntry(time: context.loop.wall)
        let outcome = exchange.pointee.outcome
        let connection = stream.connection { unsafeDowncast($0, to: ServerConnection.self) }
        entry.requestID = requestID(exchange, stream)
        entry.protocolName = AccessLogEntry.text(connection.protocolName)
        if let facts = exchange.pointee.facts {
            entry.authority = facts.authority
            // What a bridge makes of it is not what was called.
            entry.method =
                exchange.pointee.bridge == nil ? facts.method : stream.pointee.fields.first(.method)?.valueBytes ?? facts.method
            entry.path = facts.path
            // A plain request's path of two segments names no RPC.
            if !exchange.pointee.rpcName.isEmpty { (entry.grpcService, entry.grpcMethod) = (facts.service, facts.rpc) }
        } else {
            entry.method = stream.pointee.fields.first(.method)?.valueBytes ?? entry.method
            entry.path = stream.pointee.fields.first(.path)?.valueBytes ?? entry.path
        }
        entry.userAgent = stream.pointee.fields.first(.userAgent)?.valueBytes ?? entry.userAgent
        if let field = stream.pointee.fields.first(.traceparent) { entry.trace = TraceContext(parsing: field.valueBytes) }
        entry.status = outcome.httpStatus
        if let status = outcome.grpcStatus, exchange.pointee.isRPC || exchange.pointee.clientProtocol != .http {
            entry.grpcStatus = Int(status.rawValue)
        }
        entry.responseFlag = AccessLogEntry.text(outcome.flag)
        entry.detail = AccessLogEntry.text(outcome.detail)
        if !exchange.pointee.flags.isDisjoint(with: [.attemptsExhausted, .budgetExhausted]) { recordExhausted(exchange, &entry) }
        if exchange.pointee.flags.contains(.limitsLocal) { entry.limits = AccessLogEntry.text("local") }
        if exchange.pointee.flags.contains(.limitsUncounted) { entry.limits = AccessLogEntry.text("uncounted") }
        entry.bytesReceived = UInt64(stream.pointee.bodyBytesReceived)
        entry.bytesSent = UInt64(stream.pointee.bodyBytesSent)
        entry.durationMicroseconds = duration / 1000
        entry.attempts = Int(exchange.pointee.attempts)
        if exchange.pointee.attempts > 0 { entry.upstreamDurationMicroseconds = exchange.pointee.upstreamNanoseconds / 1000 }
        entry.tlsVersion = AccessLogEntry.text(connection.tlsVersion?.text ?? "")
        // What lies in Swift arrays is only good inside these closures.
        withAddress(exchange, connection) { address in
            entry.downstreamAddress = address
            withRoute(exchange) { route, cluster, endpoint in
                entry.route = route
                entry.cluster = cluster
                entry.upstreamAddress = endpoint
                withIdentity(exchange) { tenant, plan, subject, issuer in
                    entry.tenant = tenant
                    entry.plan = plan
                    entry.subject = subject
                    entry.issuer = issuer
                    if exchange.pointee.hasRareLogFields { append(exchange, &entry, to: log) } else { log.append(entry) }
                }
            }
        }
    }

    /// There was no other attempt after one that failed: beside how that one did, or in its place where its answer has passed.
    private func recordExhausted(_ exchange: ExchangePointer, _ entry: inout AccessLogEntry) {
        let isLimit = exchange.pointee.flags.contains(.attemptsExhausted)
        entry.secondFlag = AccessLogEntry.text(isLimit ? "URX" : "UO")
        if entry.detail.isEmpty || (!isLimit && entry.responseFlag.elementsEqual(entry.secondFlag)) {
            entry.detail = AccessLogEntry.text(isLimit ? "retry_limit_exceeded" : "retry_budget_exceeded")
        }
    }

    /// With the fields that most calls do not have.
    private func append(_ exchange: ExchangePointer, _ entry: inout AccessLogEntry, to log: AccessLogger) {
        var (name, failure) = (exchange.pointee.refuser?.name ?? "", exchange.pointee.transportFailure ?? "")
        name.withUTF8 { name in
            switch exchange.pointee.refuser {
            case .rule?: entry.rule = UnsafeRawBufferPointer(name)
            case .limit?: entry.limit = UnsafeRawBufferPointer(name)
            case nil: break
            }
            failure.withUTF8 { failure in
                entry.transportFailure = UnsafeRawBufferPointer(failure)
                (exchange.pointee.shadows ?? []).withUnsafeBytes { shadows in
                    entry.shadow = shadows
                    log.append(entry)
                }
            }
        }
    }

    private func withAddress(
        _ exchange: ExchangePointer, _ connection: ServerConnection, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        if let origin = exchange.pointee.origin, origin.isProxied, let address = origin.address {
            var text = address.description
            text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
        } else {
            body(connection.peerText)
        }
    }

    private func withRoute(
        _ exchange: ExchangePointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let route = exchange.pointee.route else { return body(none, none, none) }
        let cluster = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { $0.cluster(of: exchange) }
        route._withUnsafeGuaranteedRef { route in
            route.nameBytes.withUnsafeBytes { name in
                if route.page != nil { return body(name, none, none) }
                cluster._withUnsafeGuaranteedRef { cluster in
                    cluster.nameBytes.withUnsafeBytes { cluster in
                        guard let endpoint = exchange.pointee.endpoint else { return body(name, cluster, none) }
                        endpoint._withUnsafeGuaranteedRef { endpoint in
                            endpoint.addressText.withUnsafeBytes { body(name, cluster, $0) }
                        }
                    }
                }
            }
        }
    }

    private func withIdentity(
        _ exchange: ExchangePointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let identity = exchange.pointee.identity else { return body(none, none, none, none) }
        (identity.tenant ?? []).withUnsafeBytes { tenant in
            identity.planName.withUnsafeBytes { plan in
                identity.subject.withUnsafeBytes { subject in
                    identity.issuer.withUnsafeBytes { body(tenant, plan, subject, $0) }
                }
            }
        }
    }
}
