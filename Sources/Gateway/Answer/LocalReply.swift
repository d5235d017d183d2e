internal import Bytes
internal import HTTPModel
internal import Transport

/// An answer of the gateway's own, while it is being written: refusals, preflights, pages and whatever routes answer themselves leave
/// this way, and no other. Its fields lie in the worker's scratch, so only one is written at a time.
struct LocalReply {
    private let call: Record<Call>
    private let worker: GatewayWorker
    private let status: Int
    private var writer: FieldWriter

    /// The call is answered by it: no head of an answer has been sent.
    ///
    /// - Parameter status: of HTTP, from 200 to 599.
    init(to call: Record<Call>, status: Int, _ worker: GatewayWorker) {
        self.init(to: call, worker, status)
        let stream = call.downstream
        let text = stream.fields.reserve(3)
        let count = Decimal.write(UInt64(status), to: text)
        writer.put(Field(":status", value: BorrowedBytes(start: text, count: count), token: .status))
    }

    /// Of fields that were written elsewhere, `:status` among them.
    init(to call: Record<Call>, status: Int, fields: borrowing FieldBlock, _ worker: GatewayWorker) {
        self.init(to: call, worker, status)
        for index in 0..<fields.count { writer.copy(fields[index]) }
    }

    private init(to call: Record<Call>, _ worker: GatewayWorker, _ status: Int) {
        self.call = call
        self.worker = worker
        self.status = status
        writer = FieldWriter(for: call.downstream, scratch: worker.context.fieldScratch)
    }

    /// Name and value are literals, or lie in the arena of the caller's stream.
    mutating func put(_ field: Field) { writer.put(field) }

    /// The value is copied.
    mutating func put(_ name: StaticString, _ value: BorrowedBytes, token: FieldToken) {
        writer.put(name, value, token: token)
    }

    mutating func putLength(_ count: Int) {
        let digits = call.downstream.fields.reserve(20)
        let digitCount = Decimal.write(UInt64(count), to: digits)
        writer.put(
            Field("content-length", value: BorrowedBytes(start: digits, count: digitCount), token: .contentLength))
    }

    /// What a caller can quote, and the log knows.
    mutating func putRequestID() {
        writer.put(
            "x-request-id", worker.requestID(call, call.downstream), token: .xRequestID,
            flags: .borrowedNeverIndexed)
    }

    /// Sends it, behind the filters that have seen the request.
    func send(_ body: BorrowedBytes) {
        let stream = call.downstream
        call.outcome.httpStatus = status
        call.outcome.responseBytes = body.count
        let fields = worker.fitting(worker.filters.answer(call, writer.written), for: stream)
        stream.serverConnection { connection in
            connection.respond(stream, fields, ended: body.isEmpty)
            guard !body.isEmpty else { return }
            connection.send(stream, body)
            connection.finish(stream)
        }
        worker.checkMemory(after: stream)
    }
}
