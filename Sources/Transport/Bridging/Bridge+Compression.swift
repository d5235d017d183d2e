package import Bytes
internal import Compression
package import GRPC
package import HTTPModel
internal import Transcoding

/// Compressed bodies and messages of a call over a bridge.
extension Bridge {
    package static func isGzip(_ encoding: BorrowedBytes) -> Bool { HTTPGrammar.equalsIgnoringCase(encoding, "gzip") }

    /// Makes ready to read a body that is compressed as a whole; a cause where that cannot be.
    package func readCompressed(
        _ encoding: BorrowedBytes?, bytesMax: Int, _ pool: inout CompressionPool
    ) -> RefusalCause? {
        guard let encoding else { return nil }
        guard Self.isGzip(encoding) else { return .unsupportedCompression(accepted: CompressionPool.readableEncodings) }
        guard let inflater = pool.takeInflater(bytesMax: bytesMax) else { return .overloaded(retryAfter: .seconds(1)) }
        requestInflater = inflater
        return nil
    }

    /// Puts what more of the request's body means into the output.
    package func convertRequest(_ bytes: BorrowedBytes, _ pool: inout CompressionPool) throws(ConversionFailure) {
        guard let inflater = requestInflater else { return try converter.request(bytes, into: &output) }
        defer { pool.emptyPlain() }
        try inflater.feed(bytes, into: &pool.plain)
        guard !pool.plain.isEmpty else { return }
        try converter.request(pool.plain.readable, into: &output)
    }

    package func convertRequestEnd(_ pool: inout CompressionPool) throws(ConversionFailure) {
        if let inflater = requestInflater {
            try inflater.end()
            requestInflater = nil
            pool.give(inflater)
        }
        try converter.requestEnded(into: &output)
    }

    /// The head of the answer says how its messages are compressed, if they are. Where they are read here, or the caller
    /// could not read them, that ends here.
    package func recordEncoding(of stream: StreamPointer, to downstream: StreamPointer, _ pool: inout CompressionPool) {
        guard let encoding = stream.fields.first(.grpcEncoding)?.valueBytes else { return }
        answerIsEncoded = !HTTPGrammar.equalsIgnoringCase(encoding, "identity")
        guard Self.isGzip(encoding) else { return }
        if pair == nil {
            let accepted = downstream.fields.first(.grpcAcceptEncoding)?.valueBytes
            if let accepted, BridgedRequest.names(accepted, "gzip") { return }
        }
        let bytesMax = pair?.plan.options.messageBytesMax ?? MessageConverter.messageBytesMax
        answerInflater = FrameInflater(pool.gzip, messageBytesMax: bytesMax)
    }

    /// Puts what more of the answer's body means where it is kept: behind a head that has gone, or into the answer that waits for one.
    ///
    /// - Parameter headIsSent: the answer's head has gone.
    package func convertAnswer(
        _ bytes: BorrowedBytes, headIsSent: Bool, _ pool: inout CompressionPool
    ) throws(ConversionFailure) {
        if headIsSent {
            try convertAnswer(bytes, into: &output, &pool)
        } else {
            try convertAnswer(bytes, into: &answer, &pool)
        }
    }

    private func convertAnswer(
        _ bytes: BorrowedBytes, into output: inout ByteBuffer, _ pool: inout CompressionPool
    ) throws(ConversionFailure) {
        guard let inflater = answerInflater else { return try converter.answer(bytes, into: &output) }
        defer { pool.emptyPlain() }
        do throws(InflateFailure) {
            try inflater.feed(bytes, into: &pool.plain)
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
        guard !pool.plain.isEmpty else { return }
        try converter.answer(pool.plain.readable, into: &output)
    }

    /// The answer's messages are complete, and the call ended well.
    package func convertAnswerEnd(headIsSent: Bool) throws(ConversionFailure) {
        if let inflater = answerInflater, !inflater.isAtBoundary {
            throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "it ends within a message"))
        }
        if headIsSent {
            try converter.answerEnded(into: &output)
        } else {
            try converter.answerEnded(into: &answer)
        }
        if converter.answerIsCompressed, !answerIsEncoded {
            throw ConversionFailure(.upstreamMalformedMessage(field: "", problem: "a compressed message without grpc-encoding"))
        }
    }

    /// Compresses an answer that waits as a whole, where its caller reads that and it is worth it.
    package func compressAnswer(_ pool: inout CompressionPool) -> Bool {
        guard acceptsGzip, answer.count >= MessageGzip.deflatedBytesMin else { return false }
        pool.gzip.deflate(answer.readable, into: &pool.plain)
        answer.removeAll()
        answer.append(pool.plain.readable)
        pool.emptyPlain()
        return true
    }

    /// Compresses what the output has, where the answer's body is compressed as a whole.
    package func compressOutput(isLast: Bool, _ pool: inout CompressionPool) {
        guard let deflater = answerDeflater, isLast || !output.isEmpty else { return }
        deflater.feed(output.readable, isLast: isLast, into: &pool.plain)
        output.removeAll()
        output.append(pool.plain.readable)
        pool.emptyPlain()
    }

    /// The call is over.
    package func giveBack(to pool: inout CompressionPool) {
        if let inflater = requestInflater { pool.give(inflater) }
        if let deflater = answerDeflater { pool.give(deflater) }
    }
}
