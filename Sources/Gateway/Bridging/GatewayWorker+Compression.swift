internal import Bridging
internal import Bytes
internal import Compression
internal import GRPC
internal import HTTPModel
internal import Transcoding

/// Compressed bodies and messages of calls over a bridge.
extension GatewayWorker {
    static func isGzip(_ encoding: BorrowedBytes) -> Bool { HTTPGrammar.equalsIgnoringCase(encoding, "gzip") }

    /// Makes ready to read a body that is compressed as a whole; a cause where that cannot be.
    func readCompressed(_ call: Record<Call>, _ bridge: Bridge, _ encoding: BorrowedBytes?) -> RefusalCause? {
        guard let encoding else { return nil }
        guard Self.isGzip(encoding) else { return .unsupportedCompression(accepted: CompressionPool.readableEncodings) }
        guard let inflater = compression.takeInflater(bytesMax: call.bodyBytesMax) else {
            return .overloaded(retryAfter: .seconds(1))
        }
        bridge.requestInflater = inflater
        return nil
    }

    /// Puts what more of the request's body means into the bridge's output.
    func convertRequest(_ bridge: Bridge, _ bytes: BorrowedBytes) throws(ConversionFailure) {
        guard let inflater = bridge.requestInflater else { return try bridge.converter.request(bytes, into: &bridge.output) }
        defer { compression.emptyPlain() }
        try inflater.feed(bytes, into: &compression.plain)
        guard !compression.plain.isEmpty else { return }
        try bridge.converter.request(compression.plain.readable, into: &bridge.output)
    }

    func convertRequestEnd(_ bridge: Bridge) throws(ConversionFailure) {
        if let inflater = bridge.requestInflater {
            try inflater.end()
            bridge.requestInflater = nil
            compression.give(inflater)
        }
        try bridge.converter.requestEnded(into: &bridge.output)
    }

    /// The head of the answer says how its messages are compressed, if they are. Where they are read here, or the caller
    /// could not read them, that ends here.
    func recordEncoding(_ bridge: Bridge, of stream: StreamPointer, to downstream: StreamPointer) {
        guard let encoding = stream.fields.first(.grpcEncoding)?.valueBytes else { return }
        bridge.answerIsEncoded = !HTTPGrammar.equalsIgnoringCase(encoding, "identity")
        guard Self.isGzip(encoding) else { return }
        if bridge.pair == nil {
            let accepted = downstream.fields.first(.grpcAcceptEncoding)?.valueBytes
            if let accepted, BridgedRequest.names(accepted, "gzip") { return }
        }
        let bytesMax = bridge.pair?.plan.options.messageBytesMax ?? MessageConverter.messageBytesMax
        bridge.answerInflater = FrameInflater(compression.gzip, messageBytesMax: bytesMax)
    }

    /// Puts what more of the answer's body means into `output`.
    func convertAnswer(
        _ bridge: Bridge, _ bytes: BorrowedBytes, into output: inout ByteBuffer
    ) throws(ConversionFailure) {
        guard let inflater = bridge.answerInflater else { return try bridge.converter.answer(bytes, into: &output) }
        defer { compression.emptyPlain() }
        do throws(InflateFailure) {
            try inflater.feed(bytes, into: &compression.plain)
        } catch {
            // The caller has done nothing wrong.
            switch error {
            case .tooLarge(let bytesMax): throw ConversionFailure(.upstreamMessageTooLarge(bytesMax: bytesMax))
            case .tooDense(let ratioMax):
                throw ConversionFailure(
                    .upstreamMalformedMessage(field: "", problem: "compressed by more than \(ratioMax) to 1"))
            case .malformed: throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "no gzip, or not all of it"))
            }
        }
        guard !compression.plain.isEmpty else { return }
        try bridge.converter.answer(compression.plain.readable, into: &output)
    }

    func convertAnswerEnd(_ bridge: Bridge, into output: inout ByteBuffer) throws(ConversionFailure) {
        if let inflater = bridge.answerInflater, !inflater.isAtBoundary {
            throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "it ends within a message"))
        }
        try bridge.converter.answerEnded(into: &output)
        if bridge.converter.answerIsCompressed, !bridge.answerIsEncoded {
            throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "a compressed message without grpc-encoding"))
        }
    }

    /// Compresses an answer that waits as a whole, where its caller reads that and it is worth it.
    func compressAnswer(_ bridge: Bridge) -> Bool {
        guard bridge.acceptsGzip, bridge.answer.count >= MessageGzip.deflatedBytesMin else { return false }
        compression.gzip.deflate(bridge.answer.readable, into: &compression.plain)
        bridge.answer.removeAll()
        bridge.answer.append(compression.plain.readable)
        compression.emptyPlain()
        return true
    }

    /// Compresses what the bridge's output has, where the answer's body is compressed as a whole.
    func compressOutput(_ bridge: Bridge, isLast: Bool) {
        guard let deflater = bridge.answerDeflater, isLast || !bridge.output.isEmpty else { return }
        deflater.feed(bridge.output.readable, isLast: isLast, into: &compression.plain)
        bridge.output.removeAll()
        bridge.output.append(compression.plain.readable)
        compression.emptyPlain()
    }

    /// The call is over.
    func giveBackCompression(_ bridge: Bridge) {
        if let inflater = bridge.requestInflater { compression.give(inflater) }
        if let deflater = bridge.answerDeflater { compression.give(deflater) }
    }
}
