package import Bytes
internal import Compression
package import GRPC
package import Transcoding

/// Connect's streams with messages in JSON: each in an envelope of its own, and compressed by itself where both sides like.
package final class EnvelopeConverter: BodyConverter {
    private let pair: TranscoderPair
    private let gzip: MessageGzip
    private let requestIsGzip: Bool
    private let answerIsGzip: Bool
    private var request: MessageReader
    private var answer: MessageReader
    private var text = ByteBuffer()
    private var density = DensityGuard()

    package init(
        _ pair: TranscoderPair, _ match: BindingMatch, gzip: MessageGzip, requestIsGzip: Bool, answerIsGzip: Bool
    ) throws(ConversionFailure) {
        self.pair = pair
        self.gzip = gzip
        self.requestIsGzip = requestIsGzip
        self.answerIsGzip = answerIsGzip
        let bytesMax = UInt32(clamping: pair.plan.options.messageBytesMax)
        request = MessageReader(payloadBytesMax: bytesMax)
        answer = MessageReader(payloadBytesMax: bytesMax)
        pair.response.begin(match, form: .framed)
        do throws(TranscodingFailure) {
            try pair.request.begin(match, contentType: BorrowedBytes.none)
        } catch { throw ConversionFailure(error, pair.plan) }
    }

    package func request(_ bytes: BorrowedBytes, into frames: inout ByteBuffer) throws(ConversionFailure) {
        request.receive(bytes)
        while let message = try nextRequest() {
            guard message.isCompressed, message.payload.count > 0 else {
                try append(message.payload, to: &frames)
                continue
            }
            guard requestIsGzip else { throw Self.malformed("a compressed message without connect-content-encoding") }
            text.removeAll()
            do throws(InflateFailure) {
                try gzip.inflate(message.payload, bytesMax: pair.plan.options.messageBytesMax, into: &text)
                try density.record(consumed: message.payload.count, written: text.count)
            } catch { throw ConversionFailure(error) }
            try append(text.readable, to: &frames)
            text.removeAll()
            text.shrink(to: Bridge.outputBytesKept)
        }
    }

    private func nextRequest() throws(ConversionFailure) -> MessageReader.Message? {
        do throws(MessageReader.Failure) { return try request.next() } catch {
            guard case .messageTooLarge = error else { throw Self.malformed("an envelope with unknown flags") }
            throw ConversionFailure(.messageTooLarge(bytesMax: pair.plan.options.messageBytesMax))
        }
    }

    private func append(_ json: BorrowedBytes, to frames: inout ByteBuffer) throws(ConversionFailure) {
        do throws(TranscodingFailure) { try pair.request.append(message: json, to: &frames) } catch {
            throw ConversionFailure(error, pair.plan)
        }
    }

    package func requestEnded(into frames: inout ByteBuffer) throws(ConversionFailure) {
        do throws(MessageReader.Failure) { try request.finish() } catch { throw Self.malformed("the body ends within an envelope") }
    }

    package func answer(_ bytes: BorrowedBytes, into body: inout ByteBuffer) throws(ConversionFailure) {
        answer.receive(bytes)
        while let message = try nextAnswer() {
            guard !message.isCompressed else { throw Self.malformedAnswer("a compressed message without grpc-encoding") }
            try write(message.payload, to: &body)
        }
    }

    private func nextAnswer() throws(ConversionFailure) -> MessageReader.Message? {
        do throws(MessageReader.Failure) { return try answer.next() } catch {
            guard case .messageTooLarge = error else { throw Self.malformedAnswer("a message with unknown flags") }
            throw ConversionFailure(.upstreamMessageTooLarge(bytesMax: pair.plan.options.messageBytesMax))
        }
    }

    private func write(_ message: BorrowedBytes, to body: inout ByteBuffer) throws(ConversionFailure) {
        text.removeAll()
        do throws(TranscodingFailure) { try pair.response.append(message: message, to: &text) } catch {
            throw ConversionFailure(error, pair.plan)
        }
        if answerIsGzip, text.count >= MessageGzip.deflatedBytesMin {
            let place = MessageFrame.begin(in: &body)
            gzip.deflate(text.readable, into: &body)
            MessageFrame.end(at: place, isCompressed: true, in: &body)
        } else {
            MessageFrame.append(text.readable, to: &body)
        }
        text.removeAll()
        text.shrink(to: Bridge.outputBytesKept)
    }

    package var answerIsWithinMessage: Bool { answer.waitingBytes > 0 }

    package func answerEnded(into body: inout ByteBuffer) throws(ConversionFailure) {
        guard answer.waitingBytes == 0 else { throw Self.malformedAnswer("it ends within a message") }
    }

    private static func malformedAnswer(_ problem: String) -> ConversionFailure {
        ConversionFailure(.upstreamMalformedMessage(field: "", problem: problem))
    }

    private static func malformed(_ problem: String) -> ConversionFailure {
        ConversionFailure(.malformedMessage(field: "", problem: problem))
    }
}
