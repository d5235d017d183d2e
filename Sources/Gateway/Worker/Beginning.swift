internal import Bridging
internal import Bytes
internal import GatewayModel
internal import Balancing
internal import Net
internal import Reactor
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Schemas
internal import Sockets
internal import Time
internal import Transport

/// What happens to a request from its head to the filters.
extension GatewayWorker {
    /// The head of a request has arrived.
    func begin(_ stream: StreamPointer, ended: Bool) {
        let exchange = take(stream)
        if ended { exchange.pointee.flags.insert(.requestEnded) }
        let pressure = pressure
        if let cause = earlyRefusal(stream, pressure) {
            exchange.pointee.clientProtocol = Self.caller(of: stream)
            return refuse(exchange, cause)
        }
        exchange.pointee.bodyBytesMax = stream.serverConnection { $0.bodyBytesMax ?? .max }
        let facts: HeadFacts
        do throws(HeadFacts.Fault) {
            facts = try HeadFacts(
                &stream.pointee.fields, heads, isLocal: stream.serverConnection { $0.channel.peer?.ip == nil })
        } catch {
            exchange.pointee.clientProtocol = Self.caller(of: stream)
            return refuse(exchange, RefusalCause(error))
        }
        exchange.pointee.clientProtocol = ClientProtocol(
            method: facts.method, contentType: facts.contentType, saysConnect: stream.pointee.fields.saysConnect)
        stream.pointee.trailersStart = stream.pointee.fields.count
        exchange.pointee.facts = facts
        if case .grpc = exchange.pointee.clientProtocol, stream.serverConnection({ $0.isHTTP1 }) {
            return refuse(exchange, .callerNeedsHTTP2)
        }
        let snapshot = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { $0.reference }
        snapshot._withUnsafeGuaranteedRef { findOrigin(exchange, stream, $0) }
        if facts.mayNeedSanitizing { sanitizeHead(exchange, stream) }
        if case .connectUnary = exchange.pointee.clientProtocol, snapshot._withUnsafeGuaranteedRef({ isREST(facts, stream, $0) }) {
            exchange.pointee.clientProtocol = .http
        }
        if facts.service.isEmpty, exchange.pointee.clientProtocol != .http {
            // A path with an escape, a `;` or other than two segments names no method: servers would differ in which they run.
            guard exchange.pointee.clientProtocol == .connectUnary, !stream.pointee.fields.saysConnect else {
                return refuse(exchange, .noMethod)
            }
            // The type alone does not make it Connect.
            exchange.pointee.clientProtocol = .http
        }
        if facts.isAmbiguous, !snapshot._withUnsafeGuaranteedRef({ $0.table.readsAlike(facts, fields: stream.pointee.fields) }) {
            return refuse(exchange, .badPath)
        }
        if case .http = exchange.pointee.clientProtocol, snapshot._withUnsafeGuaranteedRef({ !$0.transcodings.isEmpty }) {
            switch snapshot._withUnsafeGuaranteedRef({ findTranscoded(exchange, stream, $0) }) {
            case .found: break
            case .notFound: return refuse(exchange, snapshot._withUnsafeGuaranteedRef { unrouted(facts, stream, $0) })
            case .methodNotAllowed(let allow): return refuse(exchange, .methodNotAllowed(allow: allow))
            }
        } else if !snapshot._withUnsafeGuaranteedRef({ find(exchange, stream, facts, $0) }) {
            return refuse(exchange, snapshot._withUnsafeGuaranteedRef { unrouted(facts, stream, $0) })
        }
        if let policy = exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.cors }), applyCORS(exchange, stream, policy) {
            return
        }
        // Only now is it known whether a GET is one of Connect's.
        if let callers = stream.serverConnection({ $0.allowedProtocols }), !callers.contains(exchange.pointee.clientProtocol) {
            return rejectEarly(exchange, .notSpoken(exchange))
        }
        if exchange.pointee.bodyBytesMax != .max, declaresTooMuch(stream, bytesMax: exchange.pointee.bodyBytesMax) {
            return rejectEarly(exchange, .messageTooLarge(bytesMax: exchange.pointee.bodyBytesMax))
        }
        if pressure.rawValue > 0,
            let cause = refusal(under: pressure, priority: exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.priority }))
        {
            return rejectEarly(exchange, cause)
        }
        switch exchange.pointee.clientProtocol {
        case .grpc: break
        default:
            if let cause = buildBridge(exchange, stream, exchange.pointee.facts!) {
                deferRefusal(exchange, cause)
            }
        }
        guard exchange.pointee.policy!._withUnsafeGuaranteedRef({ setDeadline(exchange, $0) }) else { return }
        runFilters(exchange)
    }

    /// Refused before the body is sent, where the caller waits for 100 (Continue).
    @inline(never)
    private func declaresTooMuch(_ stream: StreamPointer, bytesMax: Int) -> Bool {
        guard let length = stream.pointee.fields.first(.contentLength) else { return false }
        return length.number?.exactly(in: 0...UInt64(bytesMax)) == nil
    }

    /// What was found for a request that goes no further is not for whatever comes next.
    private func rejectEarly(_ exchange: ExchangePointer, _ cause: RefusalCause) {
        transcoding.plan = nil
        refuse(exchange, cause)
    }

    /// Why a head is not even read.
    @inline(__always)
    private func earlyRefusal(_ stream: StreamPointer, _ pressure: Pressure) -> RefusalCause? {
        if stream.pointee.flags.contains(.headTooLarge) { return .headTooLarge(of: stream) }
        return pressure.rawValue == Pressure.full.rawValue ? refusal(under: pressure, priority: .high) : nil
    }

    /// What the caller speaks, from a head that was not read, or could not be.
    private static func caller(of stream: StreamPointer) -> ClientProtocol {
        let fields = stream.pointee.fields
        return ClientProtocol(
            method: fields.first(.method)?.valueBytes ?? UnsafeRawBufferPointer(start: nil, count: 0),
            contentType: fields.first(.contentType)?.valueBytes, saysConnect: fields.saysConnect)
    }

    /// Notes the request's route and its policy; false where no route takes it.
    func find(
        _ exchange: ExchangePointer, _ stream: StreamPointer, _ facts: HeadFacts, _ snapshot: Snapshot
    ) -> Bool {
        let index: Int
        let method: Int
        if let known = facts.place?.pointee.target {
            (index, method) = known
        } else {
            guard let found = route(for: facts, stream, snapshot) else { return false }
            index = found
            method = snapshot.table.method(of: index, facts.rpc) ?? -1
            if snapshot.table.goesByTargetAlone { facts.place?.pointee.record(route: index, method: method) }
        }
        take(route: index, method: method, of: snapshot, exchange)
        return true
    }

    /// The first route that takes the request. A preflight goes where what it asks about would, if pages may call that.
    func route(for facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Int? {
        if snapshot.table.goesByMethod, snapshot.hasCORS, facts.method.equals("OPTIONS"),
            let asked = CORSRequest(stream.pointee.fields, method: facts.method).preflightMethod
        {
            var meant = facts
            meant.rewrite(method: asked)
            if let route = snapshot.table.route(for: meant, fields: stream.pointee.fields), snapshot.routes[route].cors != nil {
                return route
            }
        }
        return snapshot.table.route(for: facts, fields: stream.pointee.fields)
    }

    /// Why no route takes the request: with another method, one may.
    func unrouted(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> RefusalCause {
        guard snapshot.table.goesByMethod else { return .noRoute }
        var methods = snapshot.table.refusedByMethod(facts, fields: stream.pointee.fields)?.methods ?? []
        _ = snapshot.directory.methods(facts) { _, method in
            let meant = Self.facts(facts, of: method, stream)
            methods.formUnion(snapshot.table.refusedByMethod(meant, fields: stream.pointee.fields)?.methods ?? [])
            return false
        }
        return methods.isEmpty ? .noRoute : .methodNotAllowed(allow: methods.sorted().joined(separator: ", "))
    }

    @inline(__always)
    func findOrigin(_ exchange: ExchangePointer, _ stream: StreamPointer, _ snapshot: Snapshot) {
        let peer = stream.serverConnection { $0.channel.peer?.ip }
        exchange.pointee.origin =
            snapshot.trustsProxies
            ? ClientOrigin(peer: peer, fields: stream.pointee.fields, trusted: snapshot.trustedProxies)
            : ClientOrigin(peer: peer)
    }

    /// - Parameter method: the place of its entry in the route's `methods`, -1 where it has none.
    @inline(__always)
    func take(route index: Int, method: Int, of snapshot: Snapshot, _ exchange: ExchangePointer) {
        let route = snapshot.routeReferences[index]
        exchange.pointee.route = route
        exchange.pointee.policy = route._withUnsafeGuaranteedRef { $0.policyReferences[method + 1] }
    }

    /// Turns the caller's and the route's time into one instant; false where the caller's is malformed or over already.
    private func setDeadline(_ exchange: ExchangePointer, _ policy: CallPolicy) -> Bool {
        var limit = policy.timeout
        if let text = exchange.pointee.facts!.timeout {
            guard let asked = GRPCTimeout(text) else {
                refuse(exchange, .malformedTimeout)
                return false
            }
            if asked.duration < limit ?? .seconds(Int64.max) {
                limit = asked.duration
                exchange.pointee.flags.insert(.callerSetDeadline)
            }
        }
        if let duration = policy.maxStreamDuration, duration < limit ?? .seconds(Int64.max) {
            limit = duration
            exchange.pointee.flags.remove(.callerSetDeadline)
            exchange.pointee.flags.insert(.endsByDuration)
        }
        guard let limit else { return true }
        guard limit > .zero else {
            metrics.count(.callerTimeout)
            refuse(exchange, .deadlineExceeded(.filters))
            return false
        }
        exchange.pointee.deadline = now + limit
        timers.arm(exchange.pointee.timer, at: exchange.pointee.deadline)
        return true
    }

    /// More of the request's body has arrived.
    @inline(__always)
    func receivedBody(_ exchange: ExchangePointer, _ bytes: UnsafeRawBufferPointer) {
        if let stream = exchange.pointee.downstream, stream.pointee.bodyBytesReceived > exchange.pointee.bodyBytesMax {
            return fail(exchange, .messageTooLarge(bytesMax: exchange.pointee.bodyBytesMax))
        }
        if let bridge = exchange.pointee.bridge { return forwardBridged(exchange, bridge, bytes) }
        upstream.forward(exchange, bytes)
    }
}

extension RefusalCause {
    /// The head or the trailers that arrived on `stream` were larger than its connection allows.
    static func headTooLarge(of stream: StreamPointer) -> RefusalCause {
        let limits = stream.connection { $0.limits }
        return .headTooLarge(bytesMax: limits.fieldListBytes, fieldsMax: limits.fieldCount)
    }

    /// The same of an answer.
    static func upstreamHeadTooLarge(of stream: StreamPointer) -> RefusalCause {
        let limits = stream.connection { $0.limits }
        return .upstreamHeadTooLarge(bytesMax: limits.fieldListBytes, fieldsMax: limits.fieldCount)
    }

    init(_ fault: HeadFacts.Fault) {
        switch fault {
        case .path, .noPath: self = .badPath
        case .hostMismatch: self = .hostMismatch
        case .noMethod, .authority, .contentTypes: self = .malformedHead
        case .timeouts: self = .malformedTimeout
        }
    }
}
