internal import Bytes
internal import GRPC

/// Frames that are the same on both sides: gRPC-Web's binary form, and Connect's streams with binary messages.
final class PassingConverter: BodyConverter {
    func request(_ bytes: UnsafeRawBufferPointer, into frames: inout ByteBuffer) { frames.append(bytes) }
    func requestEnded(into frames: inout ByteBuffer) {}
    func answer(_ bytes: UnsafeRawBufferPointer, into body: inout ByteBuffer) { body.append(bytes) }
    func answerEnded(into body: inout ByteBuffer) {}
}

/// gRPC-Web where either body, or both, is base64. Each piece of an answer is padded by itself, so that a message can be
/// read as soon as it is there.
final class TextConverter: BodyConverter {
    private var reader = Base64Reader()
    private let requestIsText: Bool
    private let answerIsText: Bool

    init(requestIsText: Bool, answerIsText: Bool) {
        self.requestIsText = requestIsText
        self.answerIsText = answerIsText
    }

    func request(_ bytes: UnsafeRawBufferPointer, into frames: inout ByteBuffer) throws(ConversionFailure) {
        guard requestIsText else { return frames.append(bytes) }
        guard reader.read(bytes, into: &frames) else { throw Self.noBase64 }
    }

    func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) {
        guard reader.isAtEnd else { throw Self.noBase64 }
    }

    func answer(_ bytes: UnsafeRawBufferPointer, into body: inout ByteBuffer) {
        if answerIsText { Base64.encode(bytes, into: &body) } else { body.append(bytes) }
    }

    func answerEnded(into body: inout ByteBuffer) {}

    private static var noBase64: ConversionFailure {
        ConversionFailure(.malformedMessage(field: "", problem: "the body is not base64"))
    }
}
