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
        let fields = filters.answer(call, written)
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

    /// What of a local reply's fields the caller takes: how the call ended above all, the rest in its order.
    func fitting(_ fields: FieldList, for stream: StreamPointer) -> FieldList {
        let bytesMax = stream.connection { $0.peerFieldListBytesMax }
        guard bytesMax < .max, fields.listBytes > bytesMax else { return fields }
        func isEssential(_ field: Field) -> Bool {
            switch field.token {
            case .status, .contentType, .contentLength, .grpcStatus: true
            default: false
            }
        }
        func bytes(_ field: Field) -> Int { field.nameCount + field.valueCount + 32 }
        var room = bytesMax
        for field in fields where isEssential(field) { room -= bytes(field) }
        // They lie in the scratch: those that stay move up.
        var count = 0
        for field in fields {
            if !isEssential(field) {
                guard bytes(field) <= room else { continue }
                room -= bytes(field)
            }
            context.fieldScratch[count] = field
            count += 1
        }
        return FieldList(rebasing: context.fieldScratch[..<count])
    }
}
