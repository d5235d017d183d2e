internal import Bytes
internal import GatewayModel
internal import HTTPModel
internal import Matching
internal import Routing
internal import Snapshots

/// The path that goes upstream in place of the caller's.
enum Rewriting {
    /// What of a path is below a route's prefix, behind another one: `/v1/a` and `/v1` below `/v1`, as `/`, are `/a` and `/`.
    static func append(
        _ path: BorrowedBytes, below match: RouteMatch, as prefix: [UInt8], to buffer: inout ByteBuffer
    ) {
        let rest = BorrowedBytes(rebasing: path[min(path.count, match.target.prefixCount)...])
        // Where the prefix ends in a slash, the rest does not begin with one.
        let isClosed = prefix.last == UInt8(ascii: "/")
        let isJoined = rest.first == UInt8(ascii: "/")
        prefix.withUnsafeBytes {
            buffer.append(BorrowedBytes(rebasing: $0[..<($0.count - (isClosed && isJoined ? 1 : 0))]))
        }
        if !isClosed, !isJoined, !rest.isEmpty { buffer.append("/") }
        buffer.append(rest)
    }

    /// The RPC that a call names behind the prefix that its route strips; `nil` where the rest is not exactly `/SERVICE/METHOD`.
    static func rpc(
        _ path: BorrowedBytes, below match: RouteMatch
    ) -> (service: BorrowedBytes, rpc: BorrowedBytes)? {
        let count = match.target.prefixCount
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

extension RouteMatch.Target {
    /// How much of a path `prefix:` matched, without the slash that parts it from the rest.
    fileprivate var prefixCount: Int {
        switch self {
        case .subtree(let path): path.utf8.count
        case .prefix(let path): path.utf8.count - 1
        case .any, .service, .path, .regex: 0
        }
    }
}
