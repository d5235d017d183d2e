internal import Bytes
internal import GRPC
internal import Routing
internal import Snapshots

/// Refuses calls that the route's cluster cannot serve: plain HTTP where only gRPC is served, or the other way round. Behind authorization, and
/// before limits count the call.
enum ServableFilter {
    static func request(_ call: CallView) -> FilterVerdict { cause(call).map { call.refuse($0) } ?? .proceed }

    private static func cause(_ call: CallView) -> RefusalCause? {
        let route = call.route
        if route.leadsToHTTP1 {
            if call.caller == .grpc { return .clusterSpeaksHTTP1 }
            // HTTP/2 allows bytes in `:path` that a request line cannot carry.
            let isPlain = call.facts.target.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
            return isPlain ? nil : .badPath
        }
        guard !call.isRPC else { return nil }
        if route.hasSchema { return route.transcoding != nil ? .noMethod : .schemaUnknown(retryAfter: .seconds(1)) }
        return call.facts.method.equals("POST") ? .unsupportedContentType : .methodNotAllowed(allow: "POST")
    }
}
