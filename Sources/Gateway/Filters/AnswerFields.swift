internal import Bytes
internal import HTTPModel
internal import Transport

/// The fields of one part of an answer, as they would go to the caller: filters take some away and put others behind them.
struct AnswerFields {
    enum Part {
        /// Of an upstream.
        case interim, head, trailers
        /// The head of an answer of the gateway's own.
        case localReply
    }

    let part: Part
    /// On the worker's field scratch, with bytes in the arena of the caller's stream.
    var writer: FieldWriter

    init(_ part: Part, holding count: Int, for call: Record<Call>, _ worker: GatewayWorker) {
        self.part = part
        writer = FieldWriter(for: call.downstream.unsafelyUnwrapped, scratch: worker.context.fieldScratch, holding: count)
    }

    var written: UnsafeBufferPointer<Field> { writer.written }
}
