internal import Bridging
package import Bytes
internal import Calls
package import GRPC
internal import GatewayModel
package import HTTPModel
internal import Net
package import Routing
internal import Schemas
package import Snapshots
internal import Sockets
package import Transcoding
internal import Transport

/// Resolves a request's head by the snapshot that serves it: the caller's protocol, the route, the policy and the RPC. One per worker.
package final class Resolver {
    private let heads = HeadCache()
    /// Binds an HTTP request to the fields of its RPC, until its converter is built.
    package let match = BindingMatch()

    package init() {}

    /// Where a request leads.
    package struct Destination {
        /// The caller's protocol.
        package var caller = ClientProtocol.http
        package var route: Borrowed<Route>
        package var policy: Borrowed<CallPolicy>
        /// How an HTTP request that means an RPC by a schema is converted.
        package var transcoding: Borrowed<TranscodingPlan>?
        /// The RPC that it means, where its path does not name it.
        package var rpc: RPC?
        /// The cluster's schema does not have the method.
        package var missesMethod = false

        /// - Parameter method: the place of its entry in the route's `methods`, -1 where it has none.
        @inline(__always)
        init(_ route: Int, _ method: Int, of snapshot: Snapshot) {
            self.route = snapshot.routeReferences[route]
            policy = self.route { $0.policyReferences[method + 1] }
        }

        @inline(__always)
        func of(_ caller: ClientProtocol) -> Destination {
            var destination = self
            destination.caller = caller
            return destination
        }
    }

    /// In the arena of the caller's stream.
    package struct RPC {
        var service: BorrowedBytes
        var method: BorrowedBytes
        /// What goes upstream in place of the caller's path.
        var target: BorrowedBytes?
    }

    /// Why the head leads to no route.
    package struct Unresolved: Error {
        package var caller: ClientProtocol
        package var cause: RefusalCause
        /// Where it would have led, if known: that route's CORS says which pages may read the refusal.
        package var destination: Destination?

        init(_ caller: ClientProtocol, _ cause: RefusalCause, _ destination: Destination? = nil) {
            self.caller = caller
            self.cause = cause
            self.destination = destination
        }
    }

    /// Other routes are in use: drops cached matches.
    package func invalidateRoutes() { heads.invalidateRoutes() }

    // MARK: Reading the head

    @inline(__always)
    package func read(_ stream: StreamPointer, _ snapshot: Borrowed<Snapshot>) throws(HeadFacts.Fault) -> HeadFacts {
        let facts = try HeadFacts(
            &stream.fields, heads, from: snapshot.matchesListeners ? snapshot { Self.listener(of: stream, $0) } : -1,
            isLocal: stream.serverConnection { $0.channel.peer?.ip == nil })
        stream.trailersStart = stream.fields.count
        return facts
    }

    /// Where the listener normalizes paths: makes the head of a request of plain HTTP as if it had been sent so.
    ///
    /// - Returns: false where that mends nothing.
    @inline(never)
    package func normalizePath(of stream: StreamPointer, after fault: HeadFacts.Fault) -> Bool {
        guard case .path(let pathFault) = fault, PathNormalization.canRepair(pathFault),
            stream.serverConnection({ $0.normalizesPaths }), Self.caller(of: stream) == .http,
            let place = (0..<stream.fields.count).first(where: { stream.fields[$0].token == .path })
        else { return false }
        let target = stream.fields[place].valueBytes
        let query = BorrowedBytes(rebasing: target[min(target.offset(of: UInt8(ascii: "?")) + 1, target.count)...])
        guard ConnectQuery(query) == nil else { return false }
        let normal = PathNormalization.normalized(target).withUnsafeBytes { stream.fields.keep($0) }
        // What comes to light is mended no more.
        guard (try? PathShape(normal)) != nil else { return false }
        stream.fields.replace(place, with: Field(":path", value: normal, token: .path))
        return true
    }

    /// Of a path that servers read differently: whether one may find another route by it, or the listener normalizes paths and could
    /// have left nothing to read differently but an escaped slash.
    @inline(never)
    private func isMisread(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Bool {
        stream.serverConnection { $0.normalizesPaths } && PathNormalization.hasEscapedSlash(facts.path)
            || !snapshot.table.readsAlike(facts, fields: stream.fields)
    }

    /// Looked up once for a snapshot, and kept with the listener.
    static func listener(of stream: StreamPointer, _ snapshot: Snapshot) -> Int16 {
        stream.serverConnection {
            $0.listener.place(generation: snapshot.generation) { name in snapshot.listeners.firstIndex(of: name) }
        }
    }

    /// The protocol that a head claims, for heads that were not read or could not be.
    package static func caller(of stream: StreamPointer) -> ClientProtocol {
        let fields = stream.fields
        return ClientProtocol(
            method: fields.first(.method)?.valueBytes ?? BorrowedBytes.none,
            contentType: fields.first(.contentType)?.valueBytes, saysConnect: fields.saysConnect)
    }

    /// The caller's protocol, by its head, and by schemas and routes where the head leaves it open.
    ///
    /// - Parameter namesMethod: the path is that of a gRPC method, also where a route strips what stands before it.
    @inline(__always)
    private func caller(
        saying said: ClientProtocol, _ facts: HeadFacts, namesMethod: Bool, _ stream: StreamPointer, _ snapshot: Snapshot
    ) -> ClientProtocol {
        guard case .connectUnary = said else { return said }
        if isREST(facts, stream, snapshot) { return .http }
        // The type alone does not make it Connect.
        return namesMethod || stream.fields.saysConnect ? said : .http
    }

    // MARK: Matching

    @inline(__always)
    package func resolve(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) throws(Unresolved) -> Destination {
        if stream.flags.contains(.asksForWebSocket) { throw Unresolved(.http, .webSocket) }
        let said = ClientProtocol(
            method: facts.method, contentType: facts.contentType, saysConnect: stream.fields.saysConnect)
        let stripped =
            facts.service.isEmpty && snapshot.stripsPrefixes && said != .http ? strip(facts, stream, snapshot) : nil
        let caller = caller(saying: said, facts, namesMethod: !facts.service.isEmpty || stripped != nil, stream, snapshot)
        if case .grpc = caller, stream.serverConnection({ $0.isHTTP1 }) { throw Unresolved(caller, .callerNeedsHTTP2) }
        if facts.service.isEmpty, caller != .http {
            // A path with an escape, a `;` or not exactly two segments names no method: servers would disagree on which one it is.
            guard let stripped else { throw Unresolved(caller, .noMethod) }
            return stripped.of(caller)
        }
        if facts.isAmbiguous, isMisread(facts, stream, snapshot) { throw Unresolved(caller, .badPath) }
        if case .http = caller, !snapshot.transcodings.isEmpty { return try resolveBySchemas(facts, stream, snapshot) }
        guard let destination = find(facts, stream, snapshot) else {
            throw Unresolved(caller, unrouted(facts, stream, snapshot))
        }
        return destination.of(caller)
    }

    /// `nil` where no route takes the request.
    @inline(__always)
    func find(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Destination? {
        if let (route, method) = facts.place?.target(from: facts.listener) { return Destination(route, method, of: snapshot) }
        guard let found = match(facts, stream, snapshot) else { return nil }
        let method = snapshot.table.method(of: found.route, facts.rpc) ?? -1
        if found.isOfTargetAlone { facts.place?.record(route: found.route, method: method, from: facts.listener) }
        return Destination(found.route, method, of: snapshot)
    }

    /// With `rewrite.prefix` a route strips what precedes an RPC's name: `methods`, limits and metrics use the rest.
    ///
    /// - Returns: `nil` where there is no such route.
    private func strip(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Destination? {
        guard !facts.isAmbiguous, let found = match(facts, stream, snapshot) else { return nil }
        let route = snapshot.routes[found.route]
        guard case .prefix? = route.policies[0].rewrite?.path,
            let (service, rpc) = Rewriting.rpc(facts.path, below: route.match.targets)
        else { return nil }
        var destination = Destination(found.route, snapshot.table.method(of: found.route, rpc) ?? -1, of: snapshot)
        destination.rpc = RPC(service: service, method: rpc)
        return destination
    }

    /// Why no route matches: 405 where one would with another method, else 404.
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

    /// The route that a refused request would have matched by its path, whatever its method.
    package func routeOfRefused(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Borrowed<Route>? {
        var facts = facts
        if snapshot.matchesListeners { facts.listener = Self.listener(of: stream, snapshot) }
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
}

extension RefusalCause {
    /// The head or the trailers that arrived on `stream` were larger than its connection allows.
    package static func headTooLarge(of stream: StreamPointer) -> RefusalCause {
        let limits = stream.connection { $0.limits }
        return .headTooLarge(bytesMax: limits.fieldListBytes, fieldsMax: limits.fieldCount)
    }

    /// The same of an answer.
    package static func upstreamHeadTooLarge(of stream: StreamPointer) -> RefusalCause {
        let limits = stream.connection { $0.limits }
        return .upstreamHeadTooLarge(bytesMax: limits.fieldListBytes, fieldsMax: limits.fieldCount)
    }

    package init(_ fault: HeadFacts.Fault) {
        switch fault {
        case .path, .noPath: self = .badPath
        case .webSocket: self = .webSocket
        case .extendedConnect: self = .extendedConnect
        case .hostMismatch: self = .hostMismatch
        case .methodCase: self = .methodCase
        case .noMethod, .authority, .contentTypes: self = .malformedHead
        case .timeouts: self = .malformedTimeout
        }
    }
}
