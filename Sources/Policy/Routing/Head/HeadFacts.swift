package import Bytes
package import HTTPModel

/// What a request is, read once from its head before anything is decided about it.
///
/// The slices point into the request's `FieldBlock` and live as long as its fields.
package struct HeadFacts {
    package private(set) var method: BorrowedBytes
    /// `:path` as sent and as it goes upstream.
    package private(set) var target: BorrowedBytes
    /// `target` without its query.
    package private(set) var path: BorrowedBytes
    /// What stands behind `?`; empty where nothing does.
    package private(set) var query: BorrowedBytes
    /// In its normal form (`Authority`) and without its port; empty where the request names none.
    package private(set) var authority: BorrowedBytes
    /// Servers differ in what they make of the path (`PathReadings`).
    package private(set) var isAmbiguous: Bool
    /// The place of the listener that it came in by, among all that there are; negative where no route asks for one, or the
    /// listener is gone.
    package var listener: Int16
    /// The RPC's service: the first segment of a path with two, or as REST bindings have it. Empty where there is none.
    package private(set) var service: BorrowedBytes
    /// The RPC's method; empty exactly where `service` is.
    package private(set) var rpc: BorrowedBytes

    /// `content-type`.
    package let contentType: BorrowedBytes?
    /// `grpc-timeout`, or what another protocol has in its place.
    package var timeout: BorrowedBytes?

    /// Some field may be one that callers may not set.
    package let mayNeedSanitizing: Bool

    /// Its place in the cache of heads; valid until the worker's next head is read.
    package private(set) var place: HeadCache.Place?

    /// What goes upstream is another method or path than the caller's; the bytes last as long as the head.
    package mutating func rewrite(method: BorrowedBytes) { self.method = method }
    package mutating func rewrite(target: BorrowedBytes) { self.target = target }

    /// The RPC was found by REST bindings, by more than the path: it is not cached.
    package mutating func rewrite(service: BorrowedBytes, rpc: BorrowedBytes) {
        self.service = service
        self.rpc = rpc
        place = nil
    }

    /// The longest host name there is (RFC 1035, section 2.3.4).
    package static var authorityBytesMax: Int { 255 }

    /// The caller's mistake in a head; each is answered with 400.
    package enum Fault: Error, Hashable, Sendable {
        case noMethod
        /// `delete`: rules for `DELETE` do not match it, and many servers read it as that.
        case methodCase
        /// No `:path`; this refuses CONNECT, which a gateway does not support.
        case noPath
        case path(PathFault)
        /// `:protocol`, which asks for another protocol in place of HTTP: WebSocket, or any other (RFC 8441, section 4).
        case webSocket, extendedConnect
        /// Host or `:authority` twice, or not of the shape of an authority.
        case authority
        /// Host and `:authority` name different servers (RFC 9113, section 8.3.1).
        case hostMismatch
        /// `content-type` or `grpc-timeout` twice: servers differ in which one counts.
        case contentTypes, timeouts
    }

    /// The same request as a server reads it to which its path is this one.
    func reading(_ path: BorrowedBytes) -> HeadFacts {
        var facts = self
        facts.path = path
        facts.place = nil
        let shape = try? PathShape(path)
        (facts.service, facts.rpc) = Self.rpc(in: path, serviceCount: shape?.serviceCount ?? 0)
        return facts
    }

    /// Reads the head. Only an authority that is not in its normal form makes a copy, in the block's arena.
    ///
    /// - Parameters:
    ///   - listener: the place of the one that it came in by.
    ///   - isLocal: the connection is over a Unix socket, whose path some gRPC clients send as authority, percent-encoded:
    ///   such a head names no host.
    package init(
        _ fields: inout FieldBlock, _ memory: borrowing HeadCache, from listener: Int16 = -1,
        isLocal: @autoclosure () -> Bool = false
    ) throws(Fault) {
        var found = Found()
        try found.collect(fields)
        guard let method = found.method, method.count > 0 else { throw .noMethod }
        if !method.equals("POST"), HTTPMethod.isMiscased(method) { throw .methodCase }
        guard let target = found.path else { throw .noPath }
        self.method = method
        self.target = target
        self.listener = listener
        contentType = found.contentType
        timeout = found.timeout
        mayNeedSanitizing = found.mayNeedSanitizing
        let named = found.onlyAuthority
        place = if let named { memory.place(of: named, target) } else { nil }
        let shape: PathShape
        if let place, let named, place.isOf(named, target) {
            shape = place.shape
            authority = BorrowedBytes(rebasing: named[..<Int(place.hostCount)])
        } else {
            do throws(PathFault) { shape = try PathShape(target) } catch { throw .path(error) }
            let isSocketPath = named.map { Authority.isSocketPath($0) } == true && isLocal()
            let agreed = isSocketPath ? nil : try found.agreedAuthority()
            if isSocketPath { place = nil }
            if let agreed, !agreed.isNormal {
                authority = agreed.normalForm(in: &fields)
                place = nil
            } else {
                authority = agreed?.host ?? BorrowedBytes.none
                if let place, let named { place.keep(named, hostCount: authority.count, target, shape) }
            }
        }
        path = BorrowedBytes(rebasing: target[..<shape.pathCount])
        query = BorrowedBytes(rebasing: target[min(shape.pathCount + 1, target.count)...])
        isAmbiguous = shape.isAmbiguous
        (service, rpc) = Self.rpc(in: path, serviceCount: shape.serviceCount)
    }

    @inline(__always)
    private static func rpc(
        in path: BorrowedBytes, serviceCount: Int
    ) -> (service: BorrowedBytes, rpc: BorrowedBytes) {
        let none = BorrowedBytes.none
        guard serviceCount > 0 else { return (none, none) }
        return (
            BorrowedBytes(rebasing: path[1..<(1 + serviceCount)]),
            BorrowedBytes(rebasing: path[(2 + serviceCount)...])
        )
    }

    /// Of a head that is refused, as far as it can be read: to find the CORS policy of the refusal, never to serve the request.
    package init?(refused fields: inout FieldBlock) {
        let none = BorrowedBytes.none
        guard let target = fields.first(.path)?.valueBytes, target.first == UInt8(ascii: "/") else { return nil }
        method = fields.first(.method)?.valueBytes ?? none
        self.target = target
        let pathCount = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        path = BorrowedBytes(rebasing: target[..<pathCount])
        query = BorrowedBytes(rebasing: target[min(pathCount + 1, target.count)...])
        let named = (fields.first(.authority) ?? fields.first(.host)).flatMap { Authority($0.valueBytes) }
        authority = named?.normalForm(in: &fields) ?? none
        let shape = try? PathShape(target)
        isAmbiguous = shape?.isAmbiguous ?? true
        (service, rpc) = Self.rpc(in: path, serviceCount: shape?.serviceCount ?? 0)
        listener = -1
        contentType = nil
        mayNeedSanitizing = false
    }

    /// Of a head that was not read.
    package static var none: HeadFacts { HeadFacts() }

    private init() {
        let none = BorrowedBytes.none
        (method, target, path, query, authority, service, rpc) = (none, none, none, none, none, none, none)
        isAmbiguous = false
        listener = -1
        contentType = nil
        mayNeedSanitizing = false
    }

    /// No head that was read is without a path.
    package var isRead: Bool { !target.isEmpty }

    /// The fields a head is read from, found in one pass.
    private struct Found {
        var method: BorrowedBytes?
        var path: BorrowedBytes?
        var scheme: BorrowedBytes?
        var authority: BorrowedBytes?
        var host: BorrowedBytes?
        var contentType: BorrowedBytes?
        var timeout: BorrowedBytes?
        var mayNeedSanitizing = false

        mutating func collect(_ fields: borrowing FieldBlock) throws(Fault) {
            for field in FieldList(start: fields.fields, count: fields.count) {
                switch field.token {
                case .method: method = field.valueBytes
                case .path: path = field.valueBytes
                case .protocolName: throw field.valueBytes.equals("websocket") ? .webSocket : .extendedConnect
                case .scheme: scheme = field.valueBytes
                case .authority:
                    guard authority == nil else { throw .authority }
                    authority = field.valueBytes
                case .host:
                    guard host == nil else { throw .authority }
                    host = field.valueBytes
                case .contentType:
                    guard contentType == nil else { throw .contentTypes }
                    contentType = field.valueBytes
                case .grpcTimeout:
                    guard timeout == nil else { throw .timeouts }
                    timeout = field.valueBytes
                case .other, .xForwardedFor, .xForwardedProto, .xRequestID: mayNeedSanitizing = true
                default: break
                }
            }
        }

        /// What names the authority, where nothing else does too.
        var onlyAuthority: BorrowedBytes? {
            guard let host else { return authority }
            return authority == nil ? host : nil
        }

        /// `:authority`, or Host where there is none; refused where both are there and differ.
        func agreedAuthority() throws(Fault) -> Authority? {
            guard let named = authority ?? host else { return nil }
            guard let agreed = Authority(named) else { throw .authority }
            guard authority != nil, let host else { return agreed }
            guard let other = Authority(host) else { throw .authority }
            let isSecure = scheme.map { $0.equals("https") } ?? true
            guard agreed.isSame(as: other, defaultPort: isSecure ? 443 : 80) else { throw .hostMismatch }
            return agreed
        }
    }
}
