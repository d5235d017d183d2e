internal import Bridging
internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Protobuf
internal import Routing
internal import Schemas
internal import Snapshots
internal import Transcoding

/// Requests that mean a gRPC method by the schemas of a snapshot: HTTP with JSON, and Connect's calls by GET.
extension Resolver {
    /// Finds the RPC that a request means by the schemas of the snapshot, and its route: the first in the order written that
    /// takes the RPC or the path that was sent. Rules and limits of a method apply however it is called.
    func resolveBySchemas(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) throws(Unresolved) -> Destination {
        if let found = try resolveConnectQuery(facts, stream, snapshot) { return found }
        let direct = match(facts, stream, snapshot)?.route
        if facts.method.equals("OPTIONS"),
            let asked = CORSRequest(stream.fields, method: facts.method).preflightMethod
        {
            return try resolvePreflight(asked, direct, facts, stream, snapshot)
        }
        switch meaning(of: facts.method, facts, direct, stream, snapshot) {
        case .method(let route): return destination(by: route, of: snapshot, facts, stream)
        case .otherMethods(let route):
            throw Unresolved(
                .http, .methodNotAllowed(allow: allowed(facts, direct, stream, snapshot)), Destination(route, -1, of: snapshot))
        case .none:
            guard let direct else { throw Unresolved(.http, unrouted(facts, stream, snapshot)) }
            var destination = Destination(direct, snapshot.table.method(of: direct, facts.rpc) ?? -1, of: snapshot)
            destination.missesMethod = true
            return destination
        }
    }

    /// A GET that is a Connect call finds its route like a POST; `nil` where it is none.
    private func resolveConnectQuery(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) throws(Unresolved)
        -> Destination?
    {
        guard facts.method.equals("GET"), !facts.service.isEmpty, ConnectQuery(facts.query) != nil,
            let destination = find(facts, stream, snapshot),
            let plan = destination.route.transcoding,
            let method = plan.schema.method(path: facts.path)
        else { return nil }
        guard plan.schema.methods[method].isSideEffectFree else {
            throw Unresolved(.connectUnary, .methodNotAllowed(allow: "POST"), destination)
        }
        return destination.of(.connectUnary)
    }

    /// A preflight takes the route of what it asks about, and runs nothing: where no `cors` answers it, the path does not take
    /// OPTIONS (RFC 9110, section 9.2.1: it is safe, and any page can have a browser send it).
    private func resolvePreflight(
        _ asked: BorrowedBytes, _ direct: Int?, _ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot
    ) throws(Unresolved) -> Destination {
        // Routes that ask for an HTTP method are asked for that one.
        var meant = facts
        meant.rewrite(method: asked)
        let route: Int
        let announced = CORSRequest(stream.fields, method: facts.method).preflightHeaders
        let meaning = announcing(announced, stream, snapshot) { self.meaning(of: asked, meant, direct, stream, snapshot, $0) }
        switch meaning {
        case .method(let found), .otherMethods(let found): route = found
        case .none:
            guard let direct else { throw Unresolved(.http, unrouted(facts, stream, snapshot)) }
            return Destination(direct, snapshot.table.method(of: direct, meant.rpc) ?? -1, of: snapshot)
        }
        let destination = Destination(route, -1, of: snapshot)
        guard snapshot.routes[route].cors == nil else { return destination }
        throw Unresolved(.http, .methodNotAllowed(allow: allowed(meant, direct, stream, snapshot)), destination)
    }

    /// Whether JSON with Connect's headers is REST's nevertheless: a schema binds the path and the HTTP method, and the path is
    /// the name of no method. Whatever else names no method stays Connect's, and is refused: as plain HTTP it would reach a
    /// server that may read a method's name in it.
    func isREST(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Bool {
        guard !snapshot.transcodings.isEmpty, facts.contentType.map({ BridgedRequest.isJSON($0) }) == true else { return false }
        let direct = snapshot.table.route(for: facts, fields: stream.fields)
        if !facts.service.isEmpty, let direct, let plan = snapshot.routes[direct].transcoding,
            plan.schema.method(path: facts.path) != nil
        {
            return false
        }
        guard case .method = meaning(of: facts.method, facts, direct, stream, snapshot) else { return false }
        return true
    }

    /// What a path means with an HTTP method.
    private enum Meaning {
        /// The method is the one in `match`, of the route's schema.
        case method(route: Int)
        /// Only others are bound to the path.
        case otherMethods(route: Int)
        case none
    }

    private func meaning(
        of method: BorrowedBytes, _ facts: HeadFacts, _ direct: Int?, _ stream: StreamPointer, _ snapshot: Snapshot,
        _ table: RouteTable? = nil
    ) -> Meaning {
        if let direct, method.equals("POST"), let plan = snapshot.routes[direct].transcoding,
            plan.matchOwn(path: facts.path, query: facts.query, into: match)
        {
            return .method(route: direct)
        }
        // What is not accepted after another method was leaves that one's route.
        var chosen = -1
        func accepts(_ plan: TranscodingPlan, _ method: MethodSchema) -> Bool {
            let route = Self.route(of: method, plan, facts, direct, stream, snapshot, table)
            if route >= 0 { chosen = route }
            return route >= 0
        }
        var outcome = snapshot.directory.match(method: method, facts, into: match, accepts: accepts)
        if outcome != .found, method.equals("HEAD") {
            // What has GET has HEAD (RFC 9110, section 9.3.2).
            outcome = snapshot.directory.match(method: BorrowedBytes("GET"), facts, into: match, accepts: accepts)
        }
        if outcome == .found { return .method(route: chosen) }
        if outcome == .methodNotAllowed, direct == nil || direct == chosen { return .otherMethods(route: chosen) }
        return .none
    }

    /// The HTTP methods that a path takes, as `allow` lists them.
    private func allowed(_ facts: HeadFacts, _ direct: Int?, _ stream: StreamPointer, _ snapshot: Snapshot) -> String {
        var methods = snapshot.directory.methods(facts) { plan, method in
            Self.route(of: method, plan, facts, direct, stream, snapshot) >= 0
        }
        if methods.remove("*") != nil { methods.formUnion(["DELETE", "GET", "PATCH", "POST", "PUT"]) }
        if methods.contains("GET") { methods.insert("HEAD") }
        if methods.isEmpty { methods.insert("POST") }
        return methods.sorted().joined(separator: ", ")
    }

    /// The route that a request is served by if it means this method, -1 where an earlier one takes its path for another
    /// cluster, or none leads to the method.
    static func route(
        of method: MethodSchema, _ plan: TranscodingPlan, _ facts: HeadFacts, _ direct: Int?, _ stream: StreamPointer,
        _ snapshot: Snapshot, _ table: RouteTable? = nil
    ) -> Int {
        func leadsThere(_ route: Int) -> Bool { snapshot.routes[route].transcoding?.schema === plan.schema }
        let routed = (table ?? snapshot.table).route(for: self.facts(facts, of: method, stream), fields: stream.fields)
        guard let direct else { return routed.map { leadsThere($0) ? $0 : -1 } ?? -1 }
        if let routed, routed < direct, leadsThere(routed) { return routed }
        return leadsThere(direct) ? direct : -1
    }

    private func destination(
        by route: Int, of snapshot: Snapshot, _ facts: HeadFacts, _ stream: StreamPointer
    ) -> Destination {
        guard let plan = snapshot.routes[route].transcoding else { return Destination(route, -1, of: snapshot) }
        let rpc = Self.rpc(plan.schema.methods[match.method], stream)
        var destination = Destination(route, snapshot.table.method(of: route, rpc.method) ?? -1, of: snapshot)
        destination.rpc = rpc
        destination.transcoding = Borrowed(plan)
        return destination
    }

    /// The method's path goes into the arena of the stream, where its parts last as long as the head.
    private static func rpc(_ method: MethodSchema, _ stream: StreamPointer) -> RPC {
        var path = method.path
        let kept = path.withUTF8 { stream.fields.keep(BorrowedBytes($0)) }
        let serviceCount = method.serviceName.utf8.count
        return RPC(
            service: BorrowedBytes(rebasing: kept[1..<(1 + serviceCount)]),
            method: BorrowedBytes(rebasing: kept[(2 + serviceCount)...]), target: kept)
    }

    /// What the head would say if it named the method.
    static func facts(_ facts: HeadFacts, of method: MethodSchema, _ stream: StreamPointer) -> HeadFacts {
        var facts = facts
        facts.rewrite(rpc(method, stream))
        return facts
    }
}

extension HeadFacts {
    package mutating func rewrite(_ rpc: Resolver.RPC) {
        rewrite(service: rpc.service, rpc: rpc.method)
        if let target = rpc.target { rewrite(target: target) }
    }
}
