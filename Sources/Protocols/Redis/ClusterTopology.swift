internal import Bytes

/// Which server has which slots, as one of them says (CLUSTER SLOTS). Replicas are left out: they are never asked. Pure.
package struct ClusterTopology: Equatable {
    /// The primaries, each once.
    package private(set) var primaries: [RedisEndpoint] = []
    /// For each slot a place in `primaries`; -1 for one that no server has.
    package private(set) var owners = [Int16](repeating: -1, count: ClusterSlot.count)

    /// - Parameter host: where the server is that was asked: it does not always know its own address.
    /// - Returns: `nil` where the reply is none to CLUSTER SLOTS.
    package init?(_ reply: RedisReply, askedAt host: String) {
        guard reply.kind == .array else { return nil }
        var places: [RedisEndpoint: Int16] = [:]
        var range = reply.first
        while let entry = range {
            range = entry.next
            guard entry.kind == .array, let first = entry.first, let last = first.next, let node = last.next,
                let start = first.integer.exactly(in: 0...Self.slotMax), let end = last.integer.exactly(in: start...Self.slotMax),
                node.kind == .array, let name = node.first, let port = name.next?.integer.exactly(in: 1...65535)
            else { return nil }
            // "?" is a host name that the server has not been told.
            let named = name.text
            let endpoint = RedisEndpoint.host(named.isEmpty || named == "?" ? host : named, port: UInt16(port))
            guard let place = places[endpoint] ?? Int16(exactly: primaries.count) else { return nil }
            if places.updateValue(place, forKey: endpoint) == nil { primaries.append(endpoint) }
            for slot in Int(start)...Int(end) { owners[slot] = place }
        }
    }

    private static let slotMax = Int64(ClusterSlot.count - 1)

    package var isComplete: Bool { !owners.contains(-1) }
}
