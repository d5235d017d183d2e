package import Bytes

/// Compresses the body of an answer that is otherwise passed on as it comes: one for each such answer.
///
///     compress … ─▶ flush, where the upstream pauses ─▶ compress … ─▶ end
///
/// Without `end` the caller sees that the body is not whole.
@usableFromInline package final class AnswerCompressor {
    package let deflater: BodyDeflater
    /// Windows are given back as the caller takes what has become of the bytes.
    package var flow = Bridge.Flow()
    /// Bytes were given that cannot be read at the other end yet.
    package private(set) var isHolding = false

    package init(_ deflater: BodyDeflater) { self.deflater = deflater }

    package func compress(_ bytes: BorrowedBytes, into output: inout ByteBuffer) {
        let before = output.count
        deflater.hold(bytes, into: &output)
        flow.convert(bytes.count, to: output.count - before)
        isHolding = true
    }

    /// Everything given can be read then.
    package func flush(into output: inout ByteBuffer) { finish(isLast: false, into: &output) }

    /// The body is complete.
    package func end(into output: inout ByteBuffer) { finish(isLast: true, into: &output) }

    private func finish(isLast: Bool, into output: inout ByteBuffer) {
        let before = output.count
        deflater.feed(BorrowedBytes.none, isLast: isLast, into: &output)
        flow.convert(0, to: output.count - before)
        isHolding = false
    }
}
