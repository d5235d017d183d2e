internal import Bytes
package import HTTPModel

/// Whether an upstream's answer to a gRPC call is gRPC at all.
package enum AnswerCheck {
    /// Why the answer cannot go to a gRPC caller as it is; `nil` where it can.
    ///
    /// An HTTP error page, or anything else without `application/grpc`, becomes the status its HTTP code stands for
    /// (gRPC, "HTTP to gRPC Status Code Mapping"). A status in the head is believed whatever else is wrong, if it is one.
    /// Only the head is looked at: the trailers may be there already, where it was held for another attempt.
    package static func refusal(_ stream: StreamPointer, status: Int, ended: Bool) -> RefusalCause? {
        let said = AnswerStatus(stream.fields.section(from: 0, to: stream.trailersStart))
        if said.isMalformed { return .upstreamMalformedStatus(found: AnswerStatus.describe(stream.fields, from: 0)) }
        if said.code != nil {
            // What ends the call stands in its trailers: clients would be told two things.
            if !ended { removeStatus(stream) }
            return nil
        }
        guard status == 200, !ended, let type = stream.fields.first(.contentType), isGRPC(type.valueBytes) else {
            return .upstreamWithoutStatus(httpStatus: status)
        }
        return nil
    }

    private static func removeStatus(_ stream: StreamPointer) {
        stream.removeHeadFields {
            switch $0.token {
            case .grpcStatus, .grpcMessage, .grpcStatusDetails: true
            default: false
            }
        }
    }

    private static func isGRPC(_ type: BorrowedBytes) -> Bool {
        let wanted: StaticString = "application/grpc"
        // As nearly all say it.
        if type.equals(wanted) { return true }
        guard type.count >= wanted.utf8CodeUnitCount,
            HTTPGrammar.equalsIgnoringCase(BorrowedBytes(rebasing: type[..<wanted.utf8CodeUnitCount]), wanted)
        else { return false }
        guard type.count > wanted.utf8CodeUnitCount else { return true }
        // `application/grpc-web` is another type.
        return [UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: " ")].contains(type[wanted.utf8CodeUnitCount])
    }
}
