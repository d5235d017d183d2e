package import Bytes
package import HTTPModel
package import Matching

/// Finds the first route, in the order written, that takes a request, without walking the routes.
///
/// All routes lie in one hash table under their shape and answers (`RouteKey`). A request is asked one question for each
/// shape in use, in the order in which the shapes were first written, and asking ends when no later shape can hold an
/// earlier route. So the cost is that of a few look-ups, however many routes there are. What a key cannot say (methods,
/// parameters, regular expressions, `RouteCondition`) is looked at in the written order, among the routes of one key.
///
/// Immutable memory, shared by all workers; nothing is allocated or counted to match.
package final class RouteTable: @unchecked Sendable {
    /// What the table needs to know of a route.
    package struct Entry {
        package var match: RouteMatch
        /// The keys of the route's `methods:` map.
        package var methods: [String]

        package init(_ match: RouteMatch, methods: [String] = []) {
            self.match = match
            self.methods = methods
        }
    }

    package let count: Int
    /// Of each route; empty where it takes any.
    private let httpMethods: [[String]]
    /// The same routes with their paths decoded; `nil` where none has an escape.
    private let decoded: RouteTable?
    /// Some route asks for a service or a path.
    private let hasTargets: Bool
    /// Some route asks for a listener.
    package let matchesListeners: Bool
    /// Some route asks for an HTTP method.
    package let goesByMethod: Bool
    private let memory: Record<RouteTableStorage>
    /// What the conditions in `memory` refer to.
    private let matchers: [ValueMatcher]

    /// - Parameters:
    ///   - listeners: the names of all that there are, by whose places heads say which they came in by.
    ///   - files: what the files hold that routes compare with, by their paths.
    ///   - seed: random, one for each process.
    package init(_ routes: [Entry], listeners: [String] = [], files: [String: ValueList] = [:], seed: UInt64) {
        hasTargets = routes.contains { $0.match.targets != [.any] }
        let hasEscapes = routes.contains { $0.match.targets.contains { $0.hasEscapes } }
        decoded =
            hasEscapes
            ? RouteTable(
                routes.map { Entry($0.match.decoded, methods: $0.methods) }, listeners: listeners, files: files, seed: seed) : nil
        matchesListeners = routes.contains { !$0.match.listeners.isEmpty }
        var builder = RouteTableBuilder(seed: seed, listeners: listeners, files: files)
        for route in routes { builder.add(route) }
        builder.finish()
        count = routes.count
        httpMethods = routes.map(\.match.httpMethods)
        goesByMethod = httpMethods.contains { !$0.isEmpty }
        matchers = builder.matchers
        memory = .allocate(RouteTableStorage(builder))
    }

    /// How many questions a request may be asked. For tests.
    package var shapeCount: Int { memory.shapes.count }

    deinit { memory.free() }

    package struct Match {
        /// Its index, in the order given.
        package var route: Int
        /// No method and no header was asked for on the way: whatever has the same authority and target comes to the same route.
        package var isOfTargetAlone: Bool
    }

    /// The index of the first route that takes the request; `nil` where none does.
    package func route(for head: borrowing HeadFacts, fields: borrowing FieldBlock) -> Int? { match(head, fields: fields)?.route }

    package func match(_ head: borrowing HeadFacts, fields: borrowing FieldBlock) -> Match? {
        guard memory.slots.count > 0 else { return nil }
        var lookup = RouteLookup(memory: memory, head: head, fields: fields)
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: memory.depthMax + 1) { lookup.first(scratch: $0) }
    }

    /// The routes that the request's HTTP method alone keeps from taking it, when none takes it: the first, and the methods that
    /// they ask for; `nil` where there is none.
    package func refusedByMethod(_ head: HeadFacts, fields: FieldBlock) -> (first: Int, methods: Set<String>)? {
        guard goesByMethod else { return nil }
        var lookup = RouteLookup(memory: memory, head: head, fields: fields)
        let routes = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: memory.depthMax + 1) {
            lookup.allWhateverTheMethod(scratch: $0)
        }
        guard let first = routes.min() else { return nil }
        return (first, routes.reduce(into: []) { $0.formUnion(httpMethods[$1]) })
    }

    /// Whether servers that make something else of a path than what was sent would find the same route by it, and the same
    /// entry of its methods. To be asked of a head whose path has such readings.
    package func readsAlike(_ head: HeadFacts, fields: FieldBlock) -> Bool {
        guard hasTargets else { return true }
        let sent = route(for: head, fields: fields)
        let method = sent.flatMap { self.method(of: $0, head.rpc) }
        let table = decoded ?? self
        return PathReadings(head.path).allSatisfy { path in
            let reading = head.reading(path)
            let found = table.route(for: reading, fields: fields)
            return found == sent && found.flatMap { table.method(of: $0, reading.rpc) } == method
        }
    }

    /// The index, in the order given, of a route's method entry for this RPC method; `nil` where it has none.
    package func method(of route: Int, _ rpc: BorrowedBytes) -> Int? {
        guard memory.hasMethods[route] else { return nil }
        let hash = RouteLookup.methodHash(rpc, of: route, seed: memory.seed)
        let mask = memory.methodSlots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while memory.methodSlots[index].route >= 0 {
            let slot = memory.methodSlots[index]
            if slot.hash == hash, slot.route == route, memory.text(slot.name, equals: rpc) { return Int(slot.method) }
            index = (index + 1) & mask
        }
        return nil
    }
}
