internal import Bytes
internal import HTTPModel
internal import Transport

/// Whole answers of plain HTTP. One per worker.
final class HTTPReplies {
    private let context: WorkerContext

    init(_ context: WorkerContext) { self.context = context }

    func send(
        _ code: StaticString, _ type: StaticString, _ body: StaticString, allow: StaticString? = nil, to stream: StreamPointer
    ) {
        send(code, type, UnsafeRawBufferPointer(start: body.utf8Start, count: body.utf8CodeUnitCount), allow: allow, to: stream)
    }

    func send(
        _ code: StaticString, _ type: StaticString, _ body: UnsafeRawBufferPointer, allow: StaticString? = nil,
        to stream: StreamPointer
    ) {
        let fields = context.fieldScratch
        fields[0] = Field(":status", code, token: .status)
        fields[1] = Field("content-type", type, token: .contentType)
        let digits = stream.pointee.fields.reserve(20)
        let count = Decimal.write(UInt64(body.count), to: digits)
        fields[2] = Field(
            "content-length", value: UnsafeRawBufferPointer(start: digits, count: count), token: .contentLength)
        if let allow { fields[3] = Field("allow", allow, token: .other) }
        let head = UnsafeBufferPointer(start: fields.baseAddress, count: allow == nil ? 3 : 4)
        let isHead = stream.pointee.fields.first(.method)?.valueBytes.equals("HEAD") ?? false
        stream.serverConnection { connection in
            connection.respond(stream, head, ended: isHead)
            guard !isHead else { return }
            connection.send(stream, body)
            connection.finish(stream)
        }
        if !stream.pointee.flags.contains(.remoteEnded) { stream.connection { $0.reset(stream, .noError) } }
    }
}
