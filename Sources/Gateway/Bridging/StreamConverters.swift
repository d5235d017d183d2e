internal import Bytes
internal import GRPC

/// Frames that are the same on both sides: gRPC-Web's binary form, and Connect's streams with binary messages.
///
/// What the caller reads behind the messages is a frame too: one that is cut off would swallow it, and one with a flag of
/// the caller's protocol would be taken for it.
final class PassingConverter: BodyConverter {
    private var frames = FramePair()

    func request(_ bytes: UnsafeRawBufferPointer, into frames: inout ByteBuffer) throws(ConversionFailure) {
        try self.frames.request(bytes)
        frames.append(bytes)
    }

    func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) { try self.frames.requestEnded() }

    func answer(_ bytes: UnsafeRawBufferPointer, into body: inout ByteBuffer) throws(ConversionFailure) {
        let known = frames.answer(bytes)
        body.append(known)
        if known.count < bytes.count { throw FramePair.unknownAnswer }
    }

    func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) { try frames.answerEnded() }

    var answerIsAtBoundary: Bool { frames.answerIsAtBoundary }
}

/// gRPC-Web where either body, or both, is base64. Each piece of an answer is padded by itself, so that a message can be
/// read as soon as it is there.
final class TextConverter: BodyConverter {
    private var reader = Base64Reader()
    private var frames = FramePair()
    private let requestIsText: Bool
    private let answerIsText: Bool

    init(requestIsText: Bool, answerIsText: Bool) {
        self.requestIsText = requestIsText
        self.answerIsText = answerIsText
    }

    func request(_ bytes: UnsafeRawBufferPointer, into frames: inout ByteBuffer) throws(ConversionFailure) {
        let before = frames.count
        if requestIsText {
            guard reader.read(bytes, into: &frames) else { throw Self.noBase64 }
        } else {
            frames.append(bytes)
        }
        try self.frames.request(UnsafeRawBufferPointer(rebasing: frames.readable[before...]))
    }

    func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) {
        guard reader.isAtEnd else { throw Self.noBase64 }
        try self.frames.requestEnded()
    }

    func answer(_ bytes: UnsafeRawBufferPointer, into body: inout ByteBuffer) throws(ConversionFailure) {
        let known = frames.answer(bytes)
        if answerIsText { Base64.encode(known, into: &body) } else { body.append(known) }
        if known.count < bytes.count { throw FramePair.unknownAnswer }
    }

    func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) { try frames.answerEnded() }

    var answerIsAtBoundary: Bool { frames.answerIsAtBoundary }

    private static var noBase64: ConversionFailure {
        ConversionFailure(.malformedMessage(field: "", problem: "the body is not base64"))
    }
}

/// Where the messages of a call that pass by stand, in both directions.
private struct FramePair {
    private var request = BoundaryTracker()
    private var answer = BoundaryTracker()

    mutating func request(_ bytes: UnsafeRawBufferPointer) throws(ConversionFailure) {
        guard request.passKnown(bytes) == bytes.count else {
            throw ConversionFailure(.malformedMessage(field: "", problem: "a message with unknown flags"))
        }
    }

    func requestEnded() throws(ConversionFailure) {
        guard request.isAtBoundary else {
            throw ConversionFailure(.malformedMessage(field: "", problem: "the body ends within a message"))
        }
    }

    /// - Returns: what of the bytes can be passed on.
    mutating func answer(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[..<answer.passKnown(bytes)])
    }

    var answerIsAtBoundary: Bool { answer.isAtBoundary }

    func answerEnded() throws(ConversionFailure) {
        guard answer.isAtBoundary else {
            throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "it ends within a message"))
        }
    }

    static var unknownAnswer: ConversionFailure {
        ConversionFailure(.upstreamMalformedMessage(field: "", problem: "a message with unknown flags"))
    }
}
