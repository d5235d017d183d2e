package import Bytes
package import GRPC

/// Converts the bodies of one call between its caller's protocol and gRPC.
///
///     caller's bytes ─request──▶ gRPC frames ─▶ upstream
///     caller's bytes ◀─answer── gRPC frames ◀─ upstream
///
/// Dry: it is given bytes as they come, cut anywhere, appends what they become, and keeps what is not complete yet. Heads,
/// statuses and the answer's end are the `Bridge`'s.
package protocol BodyConverter: AnyObject {
    /// More of the request's body.
    func request(_ bytes: BorrowedBytes, into frames: inout ByteBuffer) throws(ConversionFailure)
    /// The request's body is complete.
    func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure)
    /// More of the answer's body.
    func answer(_ bytes: BorrowedBytes, into body: inout ByteBuffer) throws(ConversionFailure)
    /// The answer's messages are complete, and the call ended well. Only then is what `answer` gave for a call that is
    /// answered at its end sent.
    func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure)
    /// The message that `answer` gave is compressed by the answer's `grpc-encoding`. Asked where the whole answer is one.
    var answerIsCompressed: Bool { get }
    /// What `answer` gave ends with a message, so that the call's end can follow.
    var answerIsAtBoundary: Bool { get }
    /// The upstream has begun a message and not ended it.
    var answerIsWithinMessage: Bool { get }
}

extension BodyConverter {
    package var answerIsCompressed: Bool { false }
    /// A reader of messages gives whole ones.
    package var answerIsAtBoundary: Bool { true }
    package var answerIsWithinMessage: Bool { false }
}

/// Why a body cannot be converted, as the caller is told.
package struct ConversionFailure: Error {
    package let cause: RefusalCause

    package init(_ cause: RefusalCause) { self.cause = cause }
}
