internal import Bridging
internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Transport

/// The heads of answers on their way into the caller's connection, which may take less than came (RFC 9113, section 6.5.2).
extension GatewayWorker {
    /// Sends the head of an upstream's answer, behind the filters. False where the caller takes none as large: it gets a
    /// refusal then.
    ///
    /// - Parameter written: in the worker's field scratch.
    func respond(
        _ call: Record<Call>, _ stream: StreamPointer, _ written: FieldList, ended: Bool
    ) -> Bool {
        let fields = FilterChain.answer(call, written, filters.services)
        return stream.serverConnection { connection in
            guard connection.accepts(fields) else {
                let cause = RefusalCause.headTooLargeForCaller(
                    bytes: fields.listBytes, bytesMax: connection.peerFieldListBytesMax)
                calls.fail(call, cause)
                return false
            }
            calls.handle(call, .head)
            connection.respond(stream, fields, ended: ended)
            return true
        }
    }
}
