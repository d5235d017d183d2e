internal import Bridging
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Transport

/// Is what the caller speaks taken here, by its listener and its route, and as much of it as is announced? Nothing is known of the caller yet.
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

    /// To a plain question, which names no type, there is nothing there.
    private static func notSpoken(_ call: CallView) -> RefusalCause {
        call.caller == .http && call.facts.contentType == nil ? .noRoute : .unsupportedContentType
    }

    /// Refused before the body is sent, where the caller waits for 100 (Continue).
    @inline(never)
    private static func declaresTooMuch(_ stream: StreamPointer, bytesMax: Int) -> Bool {
        guard let length = stream.fields.first(.contentLength) else { return false }
        return length.number?.exactly(in: 0...UInt64(bytesMax)) == nil
    }
}
