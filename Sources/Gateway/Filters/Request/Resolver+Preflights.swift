internal import Bytes
internal import Calls
internal import HTTPModel
internal import Routing
internal import Snapshots

/// Where preflights lead: to the route of what they ask about, as far as they show it (Fetch, section 4.8).
extension Resolver {
    /// The first route that matches. A preflight matches where the request it announces would, if that route has CORS.
    func match(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> RouteTable.Match? {
        if snapshot.hasCORS, facts.method.equals("OPTIONS"), let match = announced(facts, stream, snapshot) { return match }
        return snapshot.table.match(facts, fields: stream.fields)
    }

    private func announced(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> RouteTable.Match? {
        let request = CORSRequest(stream.fields, method: facts.method)
        guard let asked = request.preflightMethod, snapshot.table.goesByMethod || snapshot.preflights != nil else { return nil }
        var meant = facts
        meant.rewrite(method: asked)
        var found = announcing(request.preflightHeaders, stream, snapshot) { $0.match(meant, fields: stream.fields) }
        guard let route = found?.route, snapshot.routes[route].cors != nil else { return nil }
        // By more than the target: it is kept for no other request.
        found?.isOfTargetAlone = false
        return found
    }

    /// With the fields that a preflight announces among its own, without their values, and the table of routes that asks for no more.
    func announcing<Result>(
        _ names: BorrowedBytes?, _ stream: StreamPointer, _ snapshot: Snapshot, _ body: (RouteTable) -> Result
    ) -> Result {
        guard let table = snapshot.preflights else { return body(snapshot.table) }
        let count = stream.fields.count
        defer { stream.fields.removeAll(from: count) { _ in true } }
        var members = ListMembers(names ?? BorrowedBytes.none)
        for _ in 0..<Self.announcedMax {
            guard let member = members.next() else { break }
            let name = BorrowedBytes(rebasing: member.prefix { $0 != 0x20 })
            guard name.allSatisfy(HTTPGrammar.isToken) else { continue }
            // Browsers send them in lower case, as routes have them.
            let isThere = (0..<stream.fields.count).contains { stream.fields[$0].nameBytes.equals(name) }
            if !isThere { stream.fields.append(name: name, value: BorrowedBytes.none, token: .other) }
        }
        return body(table)
    }

    /// Of longer lists the rest is as if it were not announced.
    private static var announcedMax: Int { 64 }
}
