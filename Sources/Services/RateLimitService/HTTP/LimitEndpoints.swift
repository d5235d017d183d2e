package import Bytes
package import HTTPModel
internal import Transport

/// What a listener of the service serves: gRPC, and by plain HTTP `/json` and `/healthcheck`, which envoyproxy/ratelimit has on a port of its
/// own. One per worker.
package final class LimitEndpoints: StreamHandler {
    private let grpc: GRPCServer
    private let json: JSONRequests
    private let replies: HTTPReplies
    /// The process leaves.
    var isLeaving = false

    init(grpc: GRPCServer, json: JSONRequests, replies: HTTPReplies) {
        self.grpc = grpc
        self.json = json
        self.replies = replies
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        let fields = stream.pointee.fields
        let target = fields.first(.path)?.valueBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        if path.elementsEqual("/json".utf8) {
            stream.handler = json
            return json.streamHead(stream, ended: ended)
        }
        if path.elementsEqual("/healthcheck".utf8) {
            return isLeaving
                ? replies.send("500", "text/plain; charset=utf-8", "leaving\n", to: stream)
                : replies.send("200", "text/plain; charset=utf-8", "OK", to: stream)
        }
        var isHTTP1 = false
        stream.serverConnection { isHTTP1 = $0.isHTTP1 }
        guard !isHTTP1 else {
            return replies.send(
                "404", "text/plain; charset=utf-8", "not found: /json and /healthcheck are served here, and gRPC by HTTP/2\n",
                to: stream)
        }
        stream.handler = grpc
        grpc.streamHead(stream, ended: ended)
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        stream.connection { $0.consumed(stream, slice.count) }
    }

    package func streamEnded(_ stream: StreamPointer) {}

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {}
}
