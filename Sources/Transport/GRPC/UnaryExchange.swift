internal import Bytes
internal import GRPC
internal import HTTP2
internal import HTTPModel
internal import Reactor
internal import Time

/// One call of a `UnaryClient`: its request, its stream and its answer.
final class UnaryExchange: StreamHandler {
    private unowned(unsafe) let client: UnaryClient
    private let path: StaticString
    private let deadline: Instant
    private var completion: ((UnaryClient.Answer) -> Void)?
    var request = ByteBuffer(capacity: 256)
    private var reader: MessageReader
    private var timer: Timer?
    private var stream: StreamPointer?

    init(
        _ client: UnaryClient, path: StaticString, deadline: Instant, completion: @escaping (UnaryClient.Answer) -> Void
    ) {
        self.client = client
        self.path = path
        self.deadline = deadline
        self.completion = completion
        reader = MessageReader(payloadBytesMax: client.settings.replyBytesMax)
    }

    func armDeadline() {
        timer = Timer(on: client.context.loop) { [unowned self] in
            self.end(CallStatus(.deadlineExceeded, "no answer in time"))
        }
        timer?.arm(at: deadline)
    }

    /// Sends the request; without a stream left on this connection the call ends as unavailable.
    func start(on connection: ClientConnection) {
        let opened = connection.request(ended: false, handler: UnownedReference(self), stream: nil) { writeHead($0) }
        guard let opened else { return endSoon(CallStatus(.unavailable, "the connection is leaving")) }
        stream = opened
        let frame = MessageFrame(payloadBytes: UInt32(request.count))
        withUnsafeTemporaryAllocation(byteCount: MessageFrame.headerBytes, alignment: 1) { header in
            frame.write(to: header.baseAddress!)
            connection.send(opened, UnsafeRawBufferPointer(header))
        }
        connection.send(opened, request.readable)
        connection.finish(opened)
    }

    private func writeHead(_ stream: StreamPointer) -> UnsafeBufferPointer<Field> {
        let fields = client.context.fieldScratch
        var authority = client.settings.authority
        let keptAuthority = authority.withUTF8 { stream.pointee.fields.keep(UnsafeRawBufferPointer($0)) }
        let timeout = stream.pointee.fields.reserve(GRPCTimeout.textBytesMax)
        let left = Duration.nanoseconds(Int64(clamping: deadline.nanoseconds(since: client.context.loop.now)))
        let timeoutCount = GRPCTimeout.write(left, to: timeout)
        let pathBytes = UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount)
        let list = [
            Field(":method", "POST", token: .method),
            Field(":scheme", "http", token: .scheme),
            Field(":path", value: pathBytes, token: .path),
            Field(":authority", value: keptAuthority, token: .authority),
            Field("te", "trailers", token: .te),
            Field("content-type", "application/grpc", token: .contentType),
            Field("user-agent", "martlet", token: .userAgent),
            Field(
                "grpc-timeout", value: UnsafeRawBufferPointer(start: timeout, count: timeoutCount),
                token: .grpcTimeout),
        ]
        for (index, field) in list.enumerated() { fields[index] = field }
        // What the head was appended to is for what arrives.
        return UnsafeBufferPointer(rebasing: fields[..<list.count])
    }

    // MARK: StreamHandler

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        if stream.pointee.flags.contains(.headTooLarge) {
            return end(CallStatus(.internal, "the answer's head is too large"))
        }
        let fields = stream.pointee.fields
        let status = fields.first(.status).flatMap { Decimal.read($0.valueBytes) } ?? 0
        guard status == 200 else {
            return end(CallStatus(StatusCode(httpStatusWithoutGRPCStatus: Int(clamping: status)), "HTTP status \(status)"))
        }
        if ended { conclude(stream, from: 0) }
    }

    func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        reader.receive(bytes)
        Connection.with(stream) { $0.consumed(stream, bytes.count) }
        if reader.waitingBytes > MessageFrame.headerBytes + Int(client.settings.replyBytesMax) {
            end(CallStatus(.resourceExhausted, "the answer is too large"))
        }
    }

    func streamEnded(_ stream: StreamPointer) { conclude(stream, from: stream.pointee.trailersStart) }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        self.stream = nil
        switch reason {
        case .complete: end(CallStatus(.internal, "the answer ended early"))
        case .reset(let code): end(CallStatus(StatusCode(http2ErrorCode: code), "the stream was reset"))
        case .connectionLost: end(CallStatus(.unavailable, "the connection was lost"))
        case .unprocessed: end(CallStatus(.unavailable, "the request was not processed"))
        }
    }

    /// Everything is there.
    private func conclude(_ stream: StreamPointer, from start: Int) {
        guard let field = stream.pointee.fields.first(.grpcStatus, from: start) else {
            return end(CallStatus(.unknown, "an answer without grpc-status"))
        }
        let code = StatusCode(field: field.valueBytes)
        guard code == .ok else {
            let message = stream.pointee.fields.first(.grpcMessage, from: start)
            return end(CallStatus(code, message.map { StatusFields.decodeMessage($0.valueBytes) } ?? ""))
        }
        do throws(MessageReader.Failure) {
            guard let message = try reader.next(), reader.waitingBytes == 0 else {
                return end(CallStatus(.unimplemented, "an answer must be one message"))
            }
            guard !message.isCompressed else { return end(CallStatus(.internal, "a compressed answer")) }
            end(.ok, message.payload)
        } catch .messageTooLarge {
            end(CallStatus(.resourceExhausted, "the answer is too large"))
        } catch {
            end(CallStatus(.internal, "the answer's framing is broken"))
        }
    }

    /// Ends after this tick: the caller of `call` is still on the stack.
    func endSoon(_ status: CallStatus) {
        client.context.loop.afterThisTick { [self] in end(status) }
    }

    private func end(_ status: CallStatus, _ reply: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        guard let completion else { return }
        self.completion = nil
        // The client's table may hold the last reference.
        withExtendedLifetime(self) {
            timer?.disarm()
            if let stream {
                self.stream = nil
                stream.pointee.handler = nil
                if !stream.pointee.isRemoteEnded { Connection.with(stream) { $0.reset(stream, .cancel) } }
            }
            completion(UnaryClient.Answer(status: status, reply: reply))
            client.withdraw(self)
        }
    }
}
