package import Bytes
internal import GRPC

/// Frames that are the same on both sides: gRPC-Web's binary form, and Connect's streams with binary messages.
///
/// What the caller reads behind the messages is a frame too: one that is cut off would swallow it, and one with a flag of
/// the caller's protocol would be taken for it.
package final class PassingConverter: BodyConverter {
    private var frames = FramePair()

    package init() {}

    package func request(_ bytes: BorrowedBytes, into frames: inout ByteBuffer) throws(ConversionFailure) {
        try self.frames.request(bytes)
        frames.append(bytes)
    }

    package func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) { try self.frames.requestEnded() }

    package func answer(_ bytes: BorrowedBytes, into body: inout ByteBuffer) throws(ConversionFailure) {
        try frames.answer(bytes) { body.append($0) }
    }

    package func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) { try frames.answerEnded() }

    package var answerIsAtBoundary: Bool { frames.answerIsAtBoundary }
    package var answerIsWithinMessage: Bool { frames.answerIsWithinMessage }
}

/// gRPC-Web where either body, or both, is base64. Each piece of an answer is padded by itself, so that a message can be
/// read as soon as it is there.
package final class TextConverter: BodyConverter {
    private var reader = Base64Reader()
    private var frames = FramePair()
    private let requestIsText: Bool
    private let answerIsText: Bool

    package init(requestIsText: Bool, answerIsText: Bool) {
        self.requestIsText = requestIsText
        self.answerIsText = answerIsText
    }

    package func request(_ bytes: BorrowedBytes, into frames: inout ByteBuffer) throws(ConversionFailure) {
        let before = frames.count
        if requestIsText {
            guard reader.read(bytes, into: &frames) else { throw Self.noBase64 }
        } else {
            frames.append(bytes)
        }
        try self.frames.request(BorrowedBytes(rebasing: frames.readable[before...]))
    }

    package func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) {
        guard reader.isAtEnd else { throw Self.noBase64 }
        try self.frames.requestEnded()
    }

    package func answer(_ bytes: BorrowedBytes, into body: inout ByteBuffer) throws(ConversionFailure) {
        try frames.answer(bytes) { if answerIsText { Base64.encode($0, into: &body) } else { body.append($0) } }
    }

    package func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) { try frames.answerEnded() }

    package var answerIsAtBoundary: Bool { frames.answerIsAtBoundary }
    package var answerIsWithinMessage: Bool { frames.answerIsWithinMessage }

    private static var noBase64: ConversionFailure {
        ConversionFailure(.malformedMessage(field: "", problem: "the body is not base64"))
    }
}

/// Where the messages of a call that pass by stand, in both directions.
private struct FramePair: ~Copyable {
    private var request = BoundaryTracker()
    private var answer = BoundaryTracker()
    /// The beginning of a message that is not complete.
    private var held: ByteBuffer?
    /// The message that has begun is larger than what is held, and goes on as it comes.
    private var isPassing = false

    private static let heldBytesMax = 64 << 10

    package mutating func request(_ bytes: BorrowedBytes) throws(ConversionFailure) {
        guard request.passKnown(bytes) == bytes.count else {
            throw ConversionFailure(.malformedMessage(field: "", problem: "a message with unknown flags"))
        }
    }

    package func requestEnded() throws(ConversionFailure) {
        guard request.isAtBoundary else {
            throw ConversionFailure(.malformedMessage(field: "", problem: "the body ends within a message"))
        }
    }

    /// Hands on what can be: whole messages, and of a larger one what is beyond the first `heldBytesMax`.
    ///
    /// A message that has begun downstream can only be cut off there. What its caller could not use yet is held, so that an
    /// answer that ends within it still ends in words.
    package mutating func answer(
        _ bytes: BorrowedBytes, to next: (BorrowedBytes) -> Void
    ) throws(ConversionFailure) {
        let (passed, whole) = answer.passMessages(bytes)
        var rest = bytes.startIndex
        if whole > 0 || isPassing {
            handOnHeld(next)
            rest = isPassing && whole == 0 ? passed : whole
            next(BorrowedBytes(rebasing: bytes[..<rest]))
            if whole > 0 { isPassing = false }
        }
        guard passed == bytes.count else { throw Self.unknownAnswer }
        guard rest < passed else { return }
        var beginning = held.take() ?? ByteBuffer(capacity: passed - rest)
        beginning.append(BorrowedBytes(rebasing: bytes[rest..<passed]))
        isPassing = beginning.count > Self.heldBytesMax
        if isPassing { next(beginning.readable) } else { held = consume beginning }
    }

    private mutating func handOnHeld(_ next: (BorrowedBytes) -> Void) {
        if let beginning = held.take() { next(beginning.readable) }
    }

    /// What has been handed on ends with a message.
    package var answerIsAtBoundary: Bool { !isPassing }
    package var answerIsWithinMessage: Bool { !answer.isAtBoundary }

    package func answerEnded() throws(ConversionFailure) {
        guard answer.isAtBoundary else {
            throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "it ends within a message"))
        }
    }

    package static var unknownAnswer: ConversionFailure {
        ConversionFailure(.upstreamMalformedMessage(field: "", problem: "a message with unknown flags"))
    }
}
