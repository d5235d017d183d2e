package import Bytes
package import GRPC
package import HTTPModel
internal import Reactor
internal import Time

/// Hears of a `ClientCall`: received, any number of times, then ended, once; drained in between.
package protocol ClientCallOwner: AnyObject {
    /// The answer's head is in `call.head`; not called where the answer is but a status.
    func callBegan(_ call: ClientCall)
    /// A whole message, valid for the length of the call.
    func callReceived(_ call: ClientCall, _ message: MessageReader.Message)
    /// Less than `ClientCall.outboundHighBytes` wait to be sent, after it was more.
    func callDrained(_ call: ClientCall)
    /// Over: its owner is called no more.
    func callEnded(_ call: ClientCall, _ status: CallStatus)
}

extension ClientCallOwner {
    package func callBegan(_ call: ClientCall) {}
    package func callDrained(_ call: ClientCall) {}
}

/// What a call begins with.
package struct ClientCallHead: Sendable {
    /// One field of metadata, as it travels: the value of a `-bin` name is base64.
    package struct Metadata: Sendable, Equatable {
        package var name: String
        package var value: String
        /// Never put into an HPACK dynamic table.
        package var isSecret: Bool

        package init(_ name: String, _ value: String, isSecret: Bool = false) {
            self.name = name
            self.value = value
            self.isSecret = isSecret
        }
    }

    /// `/package.Service/Method`.
    package var path: String
    package var authority: String
    package var isSecure: Bool
    package var metadata: [Metadata] = []
    /// All the time it has, also sent as `grpc-timeout`.
    package var timeout: Duration?
    package var messageBytesMax = MessageReader.defaultPayloadBytesMax

    package init(path: String, authority: String, isSecure: Bool) {
        self.path = path
        self.authority = authority
        self.isSecure = isSecure
    }
}

/// A gRPC call of any kind that we make on a connection: for tools and for what a worker asks now and then. The gateway's
/// traffic has its own way.
///
///     begin ──send…, finish──▶ head ──message…──▶ ended
///        └── cancel: its owner is called no more ──▶
///
/// The user that begins it keeps it until it has ended.
package final class ClientCall: StreamHandler {
    package typealias Fields = [(name: String, value: String)]

    private let request: ClientCallHead
    private unowned(unsafe) let context: WorkerContext
    private weak var owner: (any ClientCallOwner)?
    private var stream: StreamPointer?
    private var reader: MessageReader
    private var timer: Timer?
    private var isFull = false
    /// Of the answer, pseudo-header fields too.
    package private(set) var head: Fields = []
    /// Of an answer that is but a status, its one block of fields.
    package private(set) var trailers: Fields = []
    package private(set) var isOver = false
    /// Why the request was not sent.
    private var refusal: CallStatus?

    package static let outboundHighBytes = 64 << 10

    /// Sends the head; `nil` where the connection takes no request.
    package init?(_ request: ClientCallHead, on connection: ClientConnection, owner: any ClientCallOwner) {
        self.request = request
        context = connection.context
        self.owner = owner
        reader = MessageReader(payloadBytesMax: request.messageBytesMax)
        do throws(RequestRefusal) {
            let stream = try connection.makeStream()
            try connection.submit(stream, writeHead(stream), ended: false, handler: UnownedReference(self), context: nil)
            self.stream = stream
        } catch {
            guard case .headTooLarge(let bytes, let bytesMax) = error else { return nil }
            // Its owner is notified as of any other end, once it holds the call.
            refusal = CallStatus(
                .resourceExhausted, "the request's headers have \(bytes) bytes; the server takes at most \(bytesMax)")
            context.loop.afterThisTick { [self] in if let refusal { end(refusal) } }
            return
        }
        guard let timeout = request.timeout else { return }
        timer = Timer(on: context.loop) { [unowned self] in
            end(CallStatus(.deadlineExceeded, "no answer within the deadline"))
        }
        timer?.arm(after: timeout)
    }

    deinit { forget() }

    private func writeHead(_ stream: StreamPointer) -> UnsafeBufferPointer<Field> {
        var metadata = [
            ClientCallHead.Metadata(":method", "POST"), .init(":scheme", request.isSecure ? "https" : "http"),
            .init(":path", request.path), .init(":authority", request.authority), .init("te", "trailers"),
            .init("content-type", "application/grpc"), .init("user-agent", "martlet"),
        ]
        if let timeout = request.timeout {
            let text = stream.pointee.fields.reserve(GRPCTimeout.textBytesMax)
            let count = GRPCTimeout.write(timeout, to: text)
            metadata.append(
                .init("grpc-timeout", String(decoding: UnsafeRawBufferPointer(start: text, count: count), as: UTF8.self)))
        }
        metadata += request.metadata
        let fields = stream.pointee.fields.reserveFields(metadata.count)
        for (index, entry) in metadata.enumerated() {
            let flags: Field.Flags = entry.isSecret ? .borrowedNeverIndexed : .borrowed
            fields.initializeElement(at: index, to: stream.pointee.fields.keepField(entry.name, entry.value, flags: flags))
        }
        return UnsafeBufferPointer(fields)
    }

    // MARK: Sending

    /// Whether more may be sent without much of it waiting here.
    package var isWritable: Bool { !isFull }

    /// Sends messages that are framed already.
    package func send(framed bytes: UnsafeRawBufferPointer) {
        guard let stream, !isOver else { return }
        stream.connection { $0.send(stream, bytes) }
        if stream.pointee.outbound.count >= Self.outboundHighBytes { isFull = true }
    }

    package func send(_ message: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(byteCount: MessageFrame.headerBytes, alignment: 1) { header in
            MessageFrame(payloadBytes: UInt32(message.count)).write(to: header.baseAddress!)
            send(framed: UnsafeRawBufferPointer(header))
        }
        send(framed: message)
    }

    /// Nothing follows.
    package func finish() {
        guard let stream, !isOver else { return }
        stream.connection { $0.finish(stream) }
    }

    /// Its owner is called no more.
    package func cancel() {
        isOver = true
        context.loop.retire(self)
        forget()
    }

    private func forget() {
        timer = nil
        guard let stream else { return }
        self.stream = nil
        stream.handler = nil
        guard !stream.pointee.flags.contains(.remoteEnded) || !stream.pointee.flags.contains(.localEnded) else { return }
        stream.connection { $0.reset(stream, .cancel) }
    }

    private func end(_ status: CallStatus) {
        guard !isOver else { return }
        cancel()
        owner?.callEnded(self, status)
    }

    // MARK: StreamHandler

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        if stream.pointee.flags.contains(.headTooLarge) {
            // The outcome of the call is reported even so, without its details.
            if ended, let status = Self.status(of: stream, from: 0) { return end(status) }
            return end(CallStatus(.resourceExhausted, "the answer's head is too large"))
        }
        let fields = Self.fields(of: stream, from: 0)
        if ended { trailers = fields } else { head = fields }
        let status = stream.pointee.fields.first(.status).flatMap { $0.number?.exactly(in: 0...999) } ?? 0
        if ended, let status = Self.status(of: stream, from: 0) { return end(status) }
        guard status == 200 else {
            return end(
                CallStatus(
                    StatusCode(httpStatusWithoutGRPCStatus: Int(clamping: status)), "HTTP status \(status) and no grpc-status"))
        }
        if ended { return end(CallStatus(.unknown, "an answer without grpc-status")) }
        owner?.callBegan(self)
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        stream.connection { $0.consumed(stream, slice.count) }
        reader.receive(slice.bytes)
        do throws(MessageReader.Failure) {
            // The handler may have ended the call.
            while !isOver, let message = try reader.next() { owner?.callReceived(self, message) }
        } catch {
            switch error {
            case .messageTooLarge(let count):
                end(CallStatus(.resourceExhausted, "a message of \(count) bytes; at most \(request.messageBytesMax) are taken"))
            case .unknownFlag, .endedWithinMessage: end(CallStatus(.internal, "the answer's framing is broken"))
            }
        }
    }

    package func streamEnded(_ stream: StreamPointer) {
        trailers = Self.fields(of: stream, from: stream.pointee.trailersStart)
        guard let status = Self.status(of: stream, from: stream.pointee.trailersStart) else {
            return end(CallStatus(.unknown, "an answer without grpc-status"))
        }
        if status.code == .ok, reader.waitingBytes > 0 {
            return end(CallStatus(.internal, "the answer ended within a message"))
        }
        end(status)
    }

    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        guard isFull, stream.pointee.outbound.count < Self.outboundHighBytes / 2 else { return }
        isFull = false
        owner?.callDrained(self)
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        self.stream = nil
        switch reason {
        case .complete: end(CallStatus(.internal, "the answer ended early"))
        case .reset(let code):
            end(CallStatus(StatusCode(http2ErrorCode: code), "the stream was reset with HTTP/2 error \(code)"))
        case .malformed: end(CallStatus(.internal, "the answer is malformed"))
        case .connectionLost, .connectionStale: end(CallStatus(.unavailable, "the connection was lost"))
        case .limitExceeded: end(CallStatus(.unavailable, "the connection was ended: an answer went beyond its limits"))
        case .unprocessed: end(CallStatus(.unavailable, "the request was not processed"))
        }
    }

    private static func fields(of stream: StreamPointer, from start: Int) -> Fields {
        (start..<max(start, stream.pointee.fields.count)).map {
            (stream.pointee.fields[$0].nameText, stream.pointee.fields[$0].valueText)
        }
    }

    private static func status(of stream: StreamPointer, from start: Int) -> CallStatus? {
        let status = AnswerStatus(stream.pointee.fields, from: start)
        guard let code = status.code else { return nil }
        if status.isMalformed {
            let found = AnswerStatus.describe(stream.pointee.fields, from: start)
            return CallStatus(.unknown, "the server's grpc-status is no status code: \(found)")
        }
        let message = stream.pointee.fields.first(.grpcMessage, from: start)
        var details: [UInt8] = []
        if let field = stream.pointee.fields.first(.grpcStatusDetails, from: start) {
            var scratch = ByteBuffer(capacity: 256)
            _ = BinaryMetadata.decode(field.valueBytes, through: &scratch) { if details.isEmpty { details = [UInt8]($0) } }
        }
        return CallStatus(
            code, message.map { StatusFields.decodeMessage($0.valueBytes) } ?? "",
            details: details)
    }
}
