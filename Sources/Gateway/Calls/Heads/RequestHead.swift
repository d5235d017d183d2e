// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes
internal import GRPC
public import HTTPModel
public import Snapshots
package import Time

/// The head that goes upstream: the caller's, without what was for this hop only, with what the gateway adds.
@usableFromInline package enum RequestHead {
    private static var post: Field { Field(":method", "POST", token: .method) }
    private static var http: Field { Field(":scheme", "http", token: .scheme) }
    private static var https: Field { Field(":scheme", "https", token: .scheme) }
    private static var localhost: Field { Field(":authority", "localhost", token: .authority) }
    private static var teTrailers: Field { Field("te", "trailers", token: .te) }

    /// What an attempt adds to the caller's head. Usable from inline: filled in member by member, for every attempt.
    @usableFromInline package struct Additions {
        @usableFromInline package var isUpstreamSecure = false
        /// The token goes on to the upstream.
        @usableFromInline package var forwardsToken = false
        /// The time that is left, for `grpc-timeout`; `nil` sends none.
        @usableFromInline package var remaining: Duration?
        @usableFromInline package var requestID = BorrowedBytes.none
        @usableFromInline package var forwardedFor = BorrowedBytes.none
        @usableFromInline package var forwardedProto: StaticString = "http"
        /// Claims to forward, and so the names of which the caller's own copies are removed.
        @usableFromInline package var claims: Borrowed<ClaimHeaders>?
        /// In place of the caller's, where it is rewritten.
        @usableFromInline package var authority: BorrowedBytes?
        /// What filters add.
        @usableFromInline package var fields: FieldList?
        /// What tells of the request as it arrived.
        @usableFromInline package var forwardedFields: FieldList?
        /// What filters drop of the caller's fields, and of forwarded claims.
        @usableFromInline package var rules: Borrowed<HeaderRules>?
        /// Attempts before this one, for `grpc-previous-rpc-attempts`.
        @usableFromInline package var previousAttempts = 0
        /// The id goes into the connection's HPACK table: its value will not recur, its name will.
        @usableFromInline package var namesRequestID = false

        // Written out: the initial values of optionals are calls elsewhere.
        @inlinable @inline(__always)
        package init() {
            remaining = nil
            claims = nil
            authority = nil
            fields = nil
            forwardedFields = nil
            rules = nil
        }
    }

    /// Writes the request of `source` for `target`, its upstream stream.
    package static func write(
        method: BorrowedBytes, target path: BorrowedBytes, from source: StreamPointer,
        to target: StreamPointer, _ additions: borrowing Additions, scratch: FieldScratch
    ) -> FieldList {
        var writer = FieldWriter(for: target, scratch: scratch)
        if method.equals("POST") {
            writer.put(post)
        } else {
            writer.put(":method", method, token: .method)
        }
        writer.put(additions.isUpstreamSecure ? https : http)
        writer.put(":path", path, token: .path)
        if let authority = additions.authority {
            writer.put(":authority", authority, token: .authority)
        } else if let authority = source.fields.first(.authority) ?? source.fields.first(.host) {
            writer.put(":authority", authority.valueBytes, token: .authority)
        } else {
            // HTTP/1.0 may name no host; servers of gRPC want one.
            writer.put(localhost)
        }
        // Trailers may have arrived behind the head while it waited: they go up behind the body.
        let head = source.fields.section(from: 0, to: source.trailersStart)
        let rules = additions.rules
        var index = 0
        while index < head.count {
            let field = head[index]
            index += 1
            if let rules, rules({ $0.dropsOfPeer(field) }) { continue }
            switch field.token {
            case .method, .scheme, .path, .authority, .status, .protocolName: continue
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .host: continue
            case .xForwardedFor, .xForwardedProto, .xRequestID, .grpcTimeout: continue
            case .expect, .proxyAuthorization, .proxyAuthenticate: continue
            case .authorization:
                guard additions.forwardsToken else { continue }
                var token = field
                // Never into a table that other tenants' requests share (RFC 7541, section 7.1.3).
                token.flags.insert(.neverIndexed)
                writer.copy(token)
            case .grpcPreviousRPCAttempts:
                if additions.previousAttempts == 0 { writer.copy(field) }
            case .other:
                if let claims = additions.claims,
                    claims({ $0.overwrites(field.nameBytes) })
                {
                    continue
                }
                writer.copy(field)
            default:
                writer.copy(field)
            }
        }
        writer.put(teTrailers)
        if let remaining = additions.remaining {
            let text = target.fields.reserve(GRPCTimeout.textBytesMax)
            let count = GRPCTimeout.write(remaining, to: text)
            writer.put(
                Field(
                    "grpc-timeout", value: BorrowedBytes(start: text, count: count), token: .grpcTimeout,
                    flags: .borrowedNeverIndexed))
        }
        if additions.previousAttempts > 0 {
            // The caller may have tried before us.
            let before = source.fields.first(.grpcPreviousRPCAttempts).flatMap { $0.number?.clamped(to: 0...(1 << 31)) } ?? 0
            let text = target.fields.reserve(20)
            let count = Decimal.write(before + UInt64(additions.previousAttempts), to: text)
            writer.put(
                Field(
                    "grpc-previous-rpc-attempts", value: BorrowedBytes(start: text, count: count),
                    token: .grpcPreviousRPCAttempts, flags: .borrowedNeverIndexed))
        }
        writer.put("x-forwarded-for", additions.forwardedFor, token: .xForwardedFor)
        writer.put(
            Field(
                "x-forwarded-proto",
                value: BorrowedBytes(additions.forwardedProto),
                token: .xForwardedProto))
        writer.put(
            "x-request-id", additions.requestID, token: .xRequestID,
            flags: additions.namesRequestID ? .borrowed : .borrowedNeverIndexed)
        if let claims = additions.claims { claims { $0.write(to: &writer, without: rules) } }
        if let fields = additions.fields { for field in fields { writer.copy(field) } }
        if let fields = additions.forwardedFields { for field in fields { writer.copy(field) } }
        return writer.written
    }
}
