package import Bytes
internal import GRPC

/// A bare message each way, as in Connect's unary calls: the request gets its frame, the answer loses it.
package final class MessageConverter: BodyConverter {
    private let requestIsCompressed: Bool
    /// Told by `content-length`: then nothing is held until the message is complete.
    private let announcedBytes: Int?
    private var frameIsWritten = false
    private var held = ByteBuffer()
    private var reader: MessageReader
    private var messageCount = 0
    package private(set) var answerIsCompressed = false

    /// What is held of one message, in either direction.
    package static let messageBytesMax = 16 << 20

    package init(requestIsCompressed: Bool, announcedBytes: Int?) {
        self.requestIsCompressed = requestIsCompressed
        self.announcedBytes = announcedBytes.flatMap { $0 <= Int(UInt32.max) ? $0 : nil }
        reader = MessageReader(payloadBytesMax: UInt32(Self.messageBytesMax))
    }

    package func request(_ bytes: BorrowedBytes, into frames: inout ByteBuffer) throws(ConversionFailure) {
        if let announcedBytes {
            if !frameIsWritten { writeFrame(of: announcedBytes, to: &frames) }
            return frames.append(bytes)
        }
        guard held.count + bytes.count <= Self.messageBytesMax else { throw Self.tooLarge }
        held.append(bytes)
    }

    package func requestEnded(into frames: inout ByteBuffer) {
        guard !frameIsWritten else { return }
        writeFrame(of: held.count, to: &frames)
        frames.append(held.readable)
        held.removeAll()
        held.shrink(to: 0)
    }

    private func writeFrame(of count: Int, to frames: inout ByteBuffer) {
        frameIsWritten = true
        // An empty message is never compressed, whatever the head says (Connect, "Unary requests").
        MessageFrame(isCompressed: requestIsCompressed && count > 0, payloadBytes: UInt32(count)).append(to: &frames)
    }

    package func answer(_ bytes: BorrowedBytes, into body: inout ByteBuffer) throws(ConversionFailure) {
        reader.receive(bytes)
        do throws(MessageReader.Failure) {
            while let message = try reader.next() {
                messageCount += 1
                guard messageCount == 1 else { throw .endedWithinMessage }
                answerIsCompressed = message.isCompressed && message.payload.count > 0
                body.append(message.payload)
            }
        } catch {
            switch error {
            case .messageTooLarge: throw ConversionFailure(.upstreamMessageTooLarge(bytesMax: Self.messageBytesMax))
            case .unknownFlag: throw Self.malformed("a message with unknown flags")
            case .endedWithinMessage: throw Self.malformed("more than one message, as of a method that streams")
            }
        }
    }

    package var answerIsWithinMessage: Bool { reader.waitingBytes > 0 }

    /// Exactly one message.
    package func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) {
        guard reader.waitingBytes == 0 else { throw Self.malformed("it ends within a message") }
        guard messageCount == 1 else { throw Self.malformed("no message") }
    }

    private static func malformed(_ problem: String) -> ConversionFailure {
        ConversionFailure(.upstreamMalformedMessage(field: "", problem: problem))
    }

    private static var tooLarge: ConversionFailure { ConversionFailure(.messageTooLarge(bytesMax: messageBytesMax)) }
}
