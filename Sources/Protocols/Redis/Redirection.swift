/// What a cluster's server answers in place of a result, because of the key's slot.
///
///     MOVED SLOT HOST:PORT      another server has the slot: from now on it is asked
///     ASK SLOT HOST:PORT        the slot is being moved there: that server is asked this once, after ASKING
///     TRYAGAIN                  some of the keys have been moved, and others not yet: soon all are in one place
///     CLUSTERDOWN               no server has the slot at the moment: a failover is under way, perhaps
package enum Redirection: Equatable {
    case moved(ClusterSlot, RedisEndpoint)
    case ask(RedisEndpoint)
    case again
    case down

    /// `nil` for any other reply.
    ///
    /// - Parameter host: where the server is that answered: it leaves out its own host where that is not known to it.
    package init?(_ reply: RedisReply, from host: String) {
        guard reply.kind == .error else { return nil }
        if reply.hasPrefix("TRYAGAIN") {
            self = .again
        } else if reply.hasPrefix("CLUSTERDOWN") {
            self = .down
        } else if reply.hasPrefix("MOVED ") || reply.hasPrefix("ASK ") {
            let words = reply.text.split(separator: " ")
            guard words.count >= 3, let slot = Int(words[1]).flatMap({ ClusterSlot($0) }), let colon = words[2].lastIndex(of: ":"),
                let port = UInt16(words[2][words[2].index(after: colon)...]), port > 0
            else { return nil }
            // An IPv6 address has no brackets here.
            let named = words[2][..<colon]
            let endpoint = RedisEndpoint.host(named.isEmpty || named == "?" ? host : String(named), port: port)
            self = reply.hasPrefix("MOVED ") ? .moved(slot, endpoint) : .ask(endpoint)
        } else {
            return nil
        }
    }
}
