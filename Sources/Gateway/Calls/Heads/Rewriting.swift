package import Bytes
package import GatewayModel
package import HTTPModel
internal import Matching
package import Routing

/// The path that goes upstream in place of the caller's.
package enum Rewriting {
    /// What `:path` becomes; `nil` where it would be no path that a server reads in one way only.
    ///
    /// - Parameters:
    ///   - targets: what the call's route matches.
    ///   - query: what goes along of the caller's.
    ///   - path: where it is put together.
    ///   - fields: of the caller's stream, in whose arena the path lies.
    package static func target(
        _ facts: HeadFacts, _ targets: [RouteMatch.Target], _ rewrite: RewriteConfiguration, _ query: BorrowedBytes,
        by path: inout ByteBuffer, in fields: inout FieldBlock
    ) -> BorrowedBytes? {
        path.removeAll()
        guard let configured = rewrite.path else { return nil }
        switch configured {
        case .whole(let whole): whole.withUnsafeBytes { path.append($0) }
        case .prefix(let prefix): append(facts.path, below: targets, as: prefix, to: &path)
        case .groups(let pieces):
            guard append(pieces, of: facts.path, targets, to: &path) else { return nil }
        }
        return target(path.readable, query, in: &fields)
    }

    /// Appends a path with the groups that a route's expression finds in the caller's; false where it would be no path that a server
    /// reads in one way only. Nothing stands in `buffer` before.
    package static func append(
        _ pieces: [RewriteConfiguration.Piece], of path: BorrowedBytes, _ targets: [RouteMatch.Target], to buffer: inout ByteBuffer
    ) -> Bool {
        let last = pieces.reduce(0) { if case .group(let number) = $1 { max($0, number) } else { $0 } }
        let isMatch = targets.contains { target in
            guard case .regex(let expression) = target else { return false }
            return expression.withGroups(of: path, through: last) { group in
                for piece in pieces {
                    switch piece {
                    case .text(let text): text.withUnsafeBytes { buffer.append($0) }
                    case .group(let number): buffer.append(group(number))
                    }
                }
            }
        }
        guard isMatch, let shape = try? PathShape(buffer.readable) else { return false }
        return shape.pathCount == buffer.count
    }

    package static func target(_ path: BorrowedBytes, _ query: BorrowedBytes, in fields: inout FieldBlock) -> BorrowedBytes {
        guard !query.isEmpty else { return fields.keep(path) }
        var target = ByteBuffer(capacity: path.count + 1 + query.count)
        target.append(path)
        target.append("?")
        target.append(query)
        return fields.keep(target.readable)
    }

    /// What `request_query` leaves of a query, in the arena of the caller's stream.
    package static func query(_ query: BorrowedBytes, _ rules: QueryChanges, in fields: inout FieldBlock) -> BorrowedBytes {
        var kept = ByteBuffer()
        QueryParameters(query).append(to: &kept) { rules.keeps($0) }
        return kept.count == query.count ? query : fields.keep(kept.readable)
    }

    /// What of a path is below a route's prefix, behind another one: `/v1/a` and `/v1` below `/v1`, as `/`, are `/a` and `/`.
    package static func append(
        _ path: BorrowedBytes, below targets: [RouteMatch.Target], as prefix: [UInt8], to buffer: inout ByteBuffer
    ) {
        let rest = BorrowedBytes(rebasing: path[min(path.count, targets.prefixCount(of: path))...])
        // Where the prefix ends in a slash, the rest does not begin with one.
        let isClosed = prefix.last == UInt8(ascii: "/")
        let isJoined = rest.first == UInt8(ascii: "/")
        prefix.withUnsafeBytes {
            buffer.append(BorrowedBytes(rebasing: $0[..<($0.count - (isClosed && isJoined ? 1 : 0))]))
        }
        if !isClosed, !isJoined, !rest.isEmpty { buffer.append("/") }
        buffer.append(rest)
    }

    /// What has the form of a URI's part already, and is only to stay one (RFC 3986, section 3.3): escapes in it stand for themselves.
    package static func appendURI(_ bytes: BorrowedBytes, to location: inout ByteBuffer) {
        for byte in bytes {
            switch byte {
            case ...0x20, 0x7F..., UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"):
                PercentCoding.appendEscape(of: byte, to: &location)
            default: location.append(byte: byte)
            }
        }
    }

    /// The RPC that a call names behind the prefix that its route strips; `nil` where the rest is not exactly `/SERVICE/METHOD`.
    package static func rpc(
        _ path: BorrowedBytes, below targets: [RouteMatch.Target]
    ) -> (service: BorrowedBytes, rpc: BorrowedBytes)? {
        let count = targets.prefixCount(of: path)
        guard count > 0, count < path.count, path[count] == UInt8(ascii: "/") else { return nil }
        let rest = BorrowedBytes(rebasing: path[count...])
        guard let shape = try? PathShape(rest), shape.pathCount == rest.count, shape.serviceCount > 0, !shape.isAmbiguous else {
            return nil
        }
        return (
            BorrowedBytes(rebasing: rest[1..<(1 + shape.serviceCount)]),
            BorrowedBytes(rebasing: rest[(2 + shape.serviceCount)...])
        )
    }
}

extension [RouteMatch.Target] {
    /// How much of a path, which one of these takes, `prefix:` matched, without the slash that parts it from the rest. No two prefixes
    /// of a route take the same path.
    fileprivate func prefixCount(of path: BorrowedBytes) -> Int {
        for target in self {
            switch target {
            case .subtree(let prefix):
                let length = prefix.utf8.count
                let takes = path.count == length || path.count > length && path[length] == UInt8(ascii: "/")
                guard count == 1 || takes && path.starts(with: prefix.utf8) else { continue }
                return length
            case .prefix(let prefix): return prefix.utf8.count - 1
            case .any, .service, .services, .path, .regex: continue
            }
        }
        return 0
    }
}
