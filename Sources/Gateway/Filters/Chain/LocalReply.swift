package import Bytes
internal import Calls
package import HTTPModel
internal import Transport

/// An answer of the gateway's own, while it is being written: refusals, preflights, pages and whatever routes answer themselves leave
/// this way, and no other. Its fields lie in the worker's scratch, so only one is written at a time.
package struct LocalReply {
    private let call: Record<Call>
    private let services: FilterServices
    private let status: Int
    private var writer: FieldWriter

    /// The call is answered by it: no head of an answer has been sent.
    ///
    /// - Parameter status: of HTTP, from 200 to 599.
    init(to call: Record<Call>, status: Int, _ services: FilterServices) {
        self.init(to: call, services, status)
        let stream = call.downstream
        let text = stream.fields.reserve(3)
        let count = Decimal.write(UInt64(status), to: text)
        writer.put(Field(":status", value: BorrowedBytes(start: text, count: count), token: .status))
    }

    /// Of fields that were written elsewhere, `:status` among them.
    package init(to call: Record<Call>, status: Int, fields: borrowing FieldBlock, _ services: FilterServices) {
        self.init(to: call, services, status)
        for index in 0..<fields.count { writer.copy(fields[index]) }
    }

    private init(to call: Record<Call>, _ services: FilterServices, _ status: Int) {
        self.call = call
        self.services = services
        self.status = status
        writer = FieldWriter(for: call.downstream, scratch: services.context.fieldScratch)
    }

    /// Name and value are literals, or lie in the arena of the caller's stream.
    mutating func put(_ field: Field) { writer.put(field) }

    /// The value is copied.
    package mutating func put(_ name: StaticString, _ value: BorrowedBytes, token: FieldToken) {
        writer.put(name, value, token: token)
    }

    package mutating func putLength(_ count: Int) {
        let digits = call.downstream.fields.reserve(20)
        let digitCount = Decimal.write(UInt64(count), to: digits)
        writer.put(
            Field("content-length", value: BorrowedBytes(start: digits, count: digitCount), token: .contentLength))
    }

    /// What a caller can quote, and the log knows.
    package mutating func putRequestID() {
        writer.put(
            "x-request-id", call.requestID(&services.context.random), token: .xRequestID,
            flags: .borrowedNeverIndexed)
    }

    /// Sends it, behind the filters that have seen the request.
    package func send(_ body: BorrowedBytes) {
        let stream = call.downstream
        call.outcome.httpStatus = status
        call.outcome.responseBytes = body.count
        let scratch = services.context.fieldScratch
        let fields = FilterChain.answer(call, writer.written, services).fitting(
            stream.connection { $0.peerFieldListBytesMax }, scratch: scratch)
        stream.serverConnection { connection in
            connection.respond(stream, fields, ended: body.isEmpty)
            guard !body.isEmpty else { return }
            connection.send(stream, body)
            connection.finish(stream)
        }
        services.host.didReply(on: stream)
    }
}
