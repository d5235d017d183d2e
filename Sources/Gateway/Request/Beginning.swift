internal import Bridging
internal import Bytes
internal import Calls
internal import GatewayModel
internal import Balancing
internal import Net
internal import Reactor
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Schemas
internal import Snapshots
internal import Sockets
internal import Time
internal import Transport

/// What happens to a request from its head to the filters.
extension GatewayWorker {
    /// The head of a request has arrived.
    func begin(_ stream: StreamPointer, ended: Bool) {
        let call = calls.begin(stream)
        if ended { call.flags.insert(.requestEnded) }
        let pressure = filters.services.admission.pressure
        if let cause = earlyRefusal(stream, pressure) {
            call.facts = .none
            call.clientProtocol = Self.caller(of: stream)
            return calls.fail(call, cause)
        }
        call.bodyBytesMax = stream.serverConnection { $0.bodyBytesMax ?? .max }
        let facts: HeadFacts
        do throws(HeadFacts.Fault) {
            facts = try HeadFacts(
                &stream.fields, heads, isLocal: stream.serverConnection { $0.channel.peer?.ip == nil })
        } catch {
            call.facts = .none
            call.clientProtocol = Self.caller(of: stream)
            return calls.fail(call, RefusalCause(error))
        }
        call.clientProtocol = ClientProtocol(
            method: facts.method, contentType: facts.contentType, saysConnect: stream.fields.saysConnect)
        stream.trailersStart = stream.fields.count
        call.facts = facts
        if case .grpc = call.clientProtocol, stream.serverConnection({ $0.isHTTP1 }) {
            return calls.fail(call, .callerNeedsHTTP2)
        }
        let snapshot = call.snapshot.reference
        snapshot { findOrigin(call, stream, $0) }
        if facts.mayNeedSanitizing { sanitizeHead(call, stream) }
        if case .connectUnary = call.clientProtocol, snapshot({ isREST(facts, stream, $0) }) {
            call.clientProtocol = .http
        }
        if facts.service.isEmpty, call.clientProtocol != .http, !snapshot({ findStripped(call, stream, $0) }) {
            // A path with an escape, a `;` or other than two segments names no method: servers would differ in which they run.
            guard call.clientProtocol == .connectUnary, !stream.fields.saysConnect else {
                return calls.fail(call, .noMethod)
            }
            // The type alone does not make it Connect.
            call.clientProtocol = .http
        }
        if call.isRouted { return filter(call) }
        if facts.isAmbiguous, !snapshot({ $0.table.readsAlike(facts, fields: stream.fields) }) {
            return calls.fail(call, .badPath)
        }
        if case .http = call.clientProtocol, snapshot({ !$0.transcodings.isEmpty }) {
            switch snapshot({ findTranscoded(call, stream, $0) }) {
            case .found: break
            case .notFound: return calls.fail(call, snapshot { unrouted(facts, stream, $0) })
            case .methodNotAllowed(let allow): return calls.fail(call, .methodNotAllowed(allow: allow))
            }
        } else if !snapshot({ find(call, stream, facts, $0) }) {
            return calls.fail(call, snapshot { unrouted(facts, stream, $0) })
        }
        filter(call)
    }

    /// Its route is known.
    @inline(__always)
    private func filter(_ call: Record<Call>) {
        if calls.handle(call, .routed).contains(.filter) { calls.conclude(call, filters.start(call)) }
    }

    /// Why a head is not even read.
    @inline(__always)
    private func earlyRefusal(_ stream: StreamPointer, _ pressure: Pressure) -> RefusalCause? {
        if stream.flags.contains(.headTooLarge) { return .headTooLarge(of: stream) }
        return pressure.rawValue == Pressure.full.rawValue
            ? filters.services.admission.refusal(under: pressure, priority: .high) : nil
    }

    /// What the caller speaks, from a head that was not read, or could not be.
    private static func caller(of stream: StreamPointer) -> ClientProtocol {
        let fields = stream.fields
        return ClientProtocol(
            method: fields.first(.method)?.valueBytes ?? BorrowedBytes.none,
            contentType: fields.first(.contentType)?.valueBytes, saysConnect: fields.saysConnect)
    }

    /// Notes the request's route and its policy; false where no route takes it.
    func find(
        _ call: Record<Call>, _ stream: StreamPointer, _ facts: HeadFacts, _ snapshot: Snapshot
    ) -> Bool {
        let index: Int
        let method: Int
        if let known = facts.place?.target {
            (index, method) = known
        } else {
            guard let found = match(facts, stream, snapshot) else { return false }
            index = found.route
            method = snapshot.table.method(of: index, facts.rpc) ?? -1
            if found.isOfTargetAlone { facts.place?.record(route: index, method: method) }
        }
        take(route: index, method: method, of: snapshot, call)
        return true
    }

    /// A route with `rewrite.prefix` strips what stands before an RPC's name: `methods`, limits and metrics go by what is left.
    ///
    /// - Returns: whether there is such a route; it is the call's then.
    private func findStripped(_ call: Record<Call>, _ stream: StreamPointer, _ snapshot: Snapshot) -> Bool {
        let facts = call.facts
        guard snapshot.stripsPrefixes, !facts.isAmbiguous, let found = match(facts, stream, snapshot)
        else { return false }
        let route = snapshot.routes[found.route]
        guard case .prefix? = route.policies[0].rewrite?.path, let (service, rpc) = Rewriting.rpc(facts.path, below: route.match)
        else {
            return false
        }
        call.facts.rewrite(service: service, rpc: rpc)
        take(route: found.route, method: snapshot.table.method(of: found.route, rpc) ?? -1, of: snapshot, call)
        return true
    }

    /// The first route that takes the request. A preflight goes where what it asks about would, if pages may call that.
    func match(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> RouteTable.Match? {
        if snapshot.table.goesByMethod, snapshot.hasCORS, facts.method.equals("OPTIONS"),
            let asked = CORSRequest(stream.fields, method: facts.method).preflightMethod
        {
            var meant = facts
            meant.rewrite(method: asked)
            if let match = snapshot.table.match(meant, fields: stream.fields), snapshot.routes[match.route].cors != nil {
                return match
            }
        }
        return snapshot.table.match(facts, fields: stream.fields)
    }

    /// Why no route takes the request: with another method, one may.
    func unrouted(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> RefusalCause {
        guard snapshot.table.goesByMethod else { return .noRoute }
        var methods = snapshot.table.refusedByMethod(facts, fields: stream.fields)?.methods ?? []
        _ = snapshot.directory.methods(facts) { _, method in
            let meant = Self.facts(facts, of: method, stream)
            methods.formUnion(snapshot.table.refusedByMethod(meant, fields: stream.fields)?.methods ?? [])
            return false
        }
        return methods.isEmpty ? .noRoute : .methodNotAllowed(allow: methods.sorted().joined(separator: ", "))
    }

    @inline(__always)
    func findOrigin(_ call: Record<Call>, _ stream: StreamPointer, _ snapshot: Snapshot) {
        let peer = stream.serverConnection { $0.channel.peer?.ip }
        call.origin =
            snapshot.trustsProxies
            ? ClientOrigin(peer: peer, fields: stream.fields, trusted: snapshot.trustedProxies)
            : ClientOrigin(peer: peer)
    }

    /// - Parameter method: the place of its entry in the route's `methods`, -1 where it has none.
    @inline(__always)
    func take(route index: Int, method: Int, of snapshot: Snapshot, _ call: Record<Call>) {
        let route = snapshot.routeReferences[index]
        call.route = route
        call.policy = route { $0.policyReferences[method + 1] }
    }

    /// The route that a request which was refused would have taken, by the path alone, whatever the method.
    func routeOfRefused(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Borrowed<Route>? {
        let fields = stream.fields
        let direct =
            snapshot.table.route(for: facts, fields: fields) ?? snapshot.table.refusedByMethod(facts, fields: fields)?.first
        var first = direct
        _ = snapshot.directory.methods(facts) { plan, method in
            var route = Self.route(of: method, plan, facts, direct, stream, snapshot)
            if route < 0 {
                route = snapshot.table.refusedByMethod(Self.facts(facts, of: method, stream), fields: fields)?.first ?? -1
            }
            if route >= 0 { first = min(first ?? route, route) }
            return false
        }
        return first.map { snapshot.routeReferences[$0] }
    }

    /// More of the request's body has arrived.
    @inline(__always)
    func receivedBody(_ call: Record<Call>, _ bytes: BorrowedBytes) {
        if call.downstream.bodyBytesReceived > call.bodyBytesMax {
            return calls.fail(call, .messageTooLarge(bytesMax: call.bodyBytesMax))
        }
        if let bridge = call.bridge { return forwardBridged(call, bridge, bytes) }
        upstream.forward(call, bytes)
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
