package import Bytes
internal import GRPC
internal import Protobuf
package import Routing
internal import Transcoding

/// The documents of a snapshot, and the pages made of them: one for each authority that its routes are written with, made when
/// a schema or a configuration changes and served as they are.
package struct OpenAPIPages: Sendable {
    package struct Entry: Sendable {
        package let document: [UInt8]
        package let page: [UInt8]
    }

    /// By the places of the listeners; one for all where no route asks for one. The last is that of connections whose listener is gone.
    private let entries: [AuthorityTable<Entry>]

    package init(_ routes: [DescribedRoute], _ table: RouteTable, listeners: [String], title: String) {
        let places: [String?] = table.matchesListeners ? listeners + [nil] : [nil]
        entries = places.map { listener in
            let served = routes.filter { route in
                route.match.listeners.isEmpty || listener.map { route.match.listeners.contains($0) } == true
            }
            return Self.entries(of: served, table, title: title)
        }
    }

    private static func entries(of routes: [DescribedRoute], _ table: RouteTable, title: String) -> AuthorityTable<Entry> {
        var entries: [RouteMatch.Authority: Entry] = [:]
        for authority in Set(routes.flatMap(\.match.authorities)).union([.any]) {
            var buffer = ByteBuffer(capacity: 64 << 10)
            document(of: routes, table, for: authority, title: title).write(to: &buffer)
            let document = Array(buffer.readable)
            entries[authority] = Entry(document: document, page: TryPage(document: document).bytes)
        }
        return AuthorityTable(entries)
    }

    /// - Parameter listener: its place, negative for none.
    package func entry(for authority: BorrowedBytes, from listener: Int) -> Entry? {
        var found: Entry?
        let own = entries.indices.contains(listener) ? listener : entries.count - 1
        entries[own].forEach(of: authority) { entry in
            found = entry
            return true
        }
        return found
    }

    /// What a caller of this authority can call: the first route that a call comes to has it.
    private static func document(
        of routes: [DescribedRoute], _ table: RouteTable, for authority: RouteMatch.Authority, title: String
    ) -> OpenAPIDocument {
        var document = OpenAPIDocument(title: title)
        for route in routes where route.match.covers(authority) && route.allowsHTTP {
            guard let plan = route.plan else { continue }
            let withRule = Set(plan.bindings.compactMap { $0.shape == nil ? nil : $0.method })
            for binding in plan.bindings {
                let method = plan.schema.methods[binding.method]
                // By its own path a method is shown where there is no other.
                guard !method.serviceName.hasPrefix("grpc."), binding.shape != nil || !withRule.contains(binding.method),
                    route.match.reaches(method, binding)
                else { continue }
                var name = method.name
                let own = name.withUTF8 { table.method(of: route.index, BorrowedBytes($0)) }
                document.add(binding, of: plan, route.terms[own.map { $0 + 1 } ?? 0])
            }
        }
        return document
    }
}
