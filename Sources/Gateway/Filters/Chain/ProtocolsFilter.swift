internal import Bridging
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Transport

/// Refuses protocols that the listener or the route does not accept, and bodies whose announced length is over the limit. Before authentication.
enum ProtocolsFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        let caller = call.caller
        let onListener = call.connection { $0.allowedProtocols }
        if let onListener, !onListener.contains(caller) { return call.refuse(notSpoken(call)) }
        if let bytesMax = call.bodyBytesMax, declaresTooMuch(call.stream, bytesMax: bytesMax) {
            return call.refuse(.messageTooLarge(bytesMax: bytesMax))
        }
        return call.policy.allowedProtocols.contains(caller) ? .proceed : call.refuse(notSpoken(call))
    }

    /// A plain HTTP request without a content type gets 404: there is nothing for it here.
    private static func notSpoken(_ call: CallView) -> RefusalCause {
        call.caller == .http && call.facts.contentType == nil ? .noRoute : .unsupportedContentType
    }

    /// Judged by content-length, so that a caller that waits for 100 (Continue) need not send the body.
    @inline(never)
    private static func declaresTooMuch(_ stream: StreamPointer, bytesMax: Int) -> Bool {
        guard let length = stream.fields.first(.contentLength) else { return false }
        return length.number?.exactly(in: 0...UInt64(bytesMax)) == nil
    }
}
