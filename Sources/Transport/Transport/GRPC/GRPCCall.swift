package import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
package import Time

/// One call that a `GRPCServer` serves: what the caller sent, and the way to answer.
///
///     gathering ──message(s)──▶ answering ──finish──▶ over ──stream closed──▶ used again for another call
///         └────────── deadline, cancellation, violation ──▲
///
/// Objects are reused, so a handler that answers later keeps `reference` instead of the call. Owned by its worker's thread.
package final class GRPCCall {
    unowned(unsafe) let server: GRPCServer
    private(set) var stream: StreamPointer?
    private(set) var generation: UInt64 = 0
    private(set) var method: GRPCMethod?
    private var handler: (any CallHandler)?
    private var reader: MessageReader
    private let timers: TimerWheel
    private let timer: UnsafeMutablePointer<TimerNode>
    /// `distantFuture` where the caller gave no time.
    package private(set) var deadline = Instant.distantFuture
    /// Nothing more can be sent.
    package private(set) var isOver = true
    /// Fewer than `outboundHighBytes` wait for the caller. Sending more is not prevented; a handler that respects it
    /// goes on at `drained`.
    package private(set) var isWritable = true
    private var isHeadSent = false
    private var isPaused = false
    private var isDelivering = false
    private var hasRequestEnded = false
    private var isEndTold = false
    /// Bytes that arrived while paused: the caller gets their room back when reading goes on.
    private var heldBytes = 0
    var initialMetadata: [Field] = []
    var trailingMetadata: [Field] = []

    package static let outboundHighBytes = 64 << 10
    private static let outboundLowBytes = 16 << 10

    init(server: GRPCServer) {
        self.server = server
        reader = MessageReader(payloadBytesMax: server.messageBytesMax)
        timers = server.context.loop.timers
        timer = .allocate(capacity: 1)
        timer.initialize(
            to: TimerNode(context: Unmanaged.passUnretained(self).toOpaque()) { context in
                Unmanaged<GRPCCall>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.deadlinePassed() }
            })
    }

    deinit {
        timers.disarm(timer)
        timer.deinitialize(count: 1)
        timer.deallocate()
    }

    // MARK: Life

    func begin(on stream: StreamPointer) {
        self.stream = stream
        isOver = false
        isWritable = true
        isHeadSent = false
        isPaused = false
        hasRequestEnded = false
        isEndTold = false
        heldBytes = 0
        deadline = .distantFuture
    }

    /// The head was found good: the call goes to its method.
    func start(_ method: GRPCMethod, timeout: Duration?) {
        self.method = method
        if let timeout {
            guard timeout > .zero else { return finish(Self.deadlineExceeded) }
            deadline = server.context.loop.now + timeout
            timers.arm(timer, at: deadline)
        }
        if case .streaming(let make) = method { handler = make(self) }
    }

    /// The stream is no more.
    func end() {
        if !isOver { cancel() }
        stream = nil
        method = nil
        generation &+= 1
        reader.reset()
        initialMetadata.removeAll(keepingCapacity: true)
        trailingMetadata.removeAll(keepingCapacity: true)
    }

    private func cancel() {
        isOver = true
        timers.disarm(timer)
        guard let handler else { return }
        self.handler = nil
        handler.cancelled(self)
    }

    private static let deadlineExceeded = CallStatus(.deadlineExceeded, "the deadline has passed")

    private func deadlinePassed() { fail(Self.deadlineExceeded) }

    /// Ends the call for a reason that its handler does not know of.
    func fail(_ status: CallStatus) {
        guard !isOver else { return }
        let handler = handler
        finish(status)
        handler?.cancelled(self)
    }

    // MARK: What the caller sends

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard let stream else { return }
        guard !isOver else { return stream.connection { $0.consumed(stream, bytes.count) } }
        reader.receive(bytes)
        if isPaused {
            heldBytes += bytes.count
        } else {
            // At once, or a message larger than the window would never be whole; what is gathered is bounded by its size.
            stream.connection { $0.consumed(stream, bytes.count) }
        }
        if case .streaming = method { return deliver() }
        if reader.waitingBytes > MessageFrame.headerBytes + Int(server.messageBytesMax) { fail(tooLarge) }
    }

    func requestEnd() {
        guard !isOver else { return }
        hasRequestEnded = true
        switch method {
        case .unary(let method): answer(method)
        case .serverStreaming(let make):
            guard let message = onlyMessage() else { return }
            let handler = make(self)
            self.handler = handler
            // From here on it is a stream that has been read to its end.
            isEndTold = true
            isDelivering = true
            handler.received(self, message)
            isDelivering = false
            if !isOver { handler.requestEnded(self) }
        case .streaming: deliver()
        case nil: break
        }
    }

    private func answer(_ method: any UnaryMethod) {
        guard let request = onlyMessage() else { return }
        server.output.removeAll()
        let place = MessageFrame.begin(in: &server.output)
        switch method.answer(self, request, &server.output) {
        case .done:
            MessageFrame.end(at: place, in: &server.output)
            sendHead()
            sendOutput()
            finish(.ok)
        case .failed(let status): finish(status)
        case .later: break
        }
    }

    /// The message of a call that takes one; `nil` where the call has failed for lack or excess of it.
    private func onlyMessage() -> UnsafeRawBufferPointer? {
        do throws(MessageReader.Failure) {
            guard let message = try reader.next() else {
                try reader.finish()
                fail(CallStatus(.unimplemented, "this method takes one message, and none came"))
                return nil
            }
            guard reader.waitingBytes == 0 else {
                fail(CallStatus(.unimplemented, "this method takes one message, and more came"))
                return nil
            }
            guard !message.isCompressed else {
                refuseCompression()
                return nil
            }
            return message.payload
        } catch {
            fail(status(of: error))
            return nil
        }
    }

    /// Hands on what is whole, until the handler pauses.
    private func deliver() {
        // A handler that resumes within `received` comes back to the loop below.
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        while !isOver, !isPaused, let handler {
            do throws(MessageReader.Failure) {
                if let message = try reader.next() {
                    guard !message.isCompressed else { return refuseCompression() }
                    handler.received(self, message.payload)
                    continue
                }
                guard hasRequestEnded, !isEndTold else { return }
                try reader.finish()
            } catch {
                return fail(status(of: error))
            }
            isEndTold = true
            handler.requestEnded(self)
        }
    }

    /// Holds further messages back, and with them the caller, until `resumeReading`.
    package func pauseReading() { isPaused = true }

    /// What waited is delivered before this returns, unless it is called within `received`.
    package func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        if heldBytes > 0, let stream {
            let held = heldBytes
            heldBytes = 0
            stream.connection { $0.consumed(stream, held) }
        }
        if case .streaming = method { deliver() }
    }

    // MARK: What goes wrong

    private var tooLarge: CallStatus {
        CallStatus(.resourceExhausted, "the message is too large: at most \(server.messageBytesMax) bytes")
    }

    private func status(of failure: MessageReader.Failure) -> CallStatus {
        switch failure {
        case .messageTooLarge: tooLarge
        case .unknownFlag: CallStatus(.internal, "a message frame has an unknown flag")
        case .endedWithinMessage: CallStatus(.internal, "the request ended within a message")
        }
    }

    /// The message is marked as compressed: by a named encoding that we do not have, or by none at all
    /// (gRPC, "Compression"; gRPC over HTTP/2, "Message-Encoding").
    private func refuseCompression() {
        guard let stream, let field = stream.pointee.fields.first(.grpcEncoding),
            !field.valueBytes.equals("identity")
        else { return fail(CallStatus(.internal, "a compressed message without grpc-encoding")) }
        initialMetadata.append(Field("grpc-accept-encoding", "identity", token: .grpcAcceptEncoding))
        fail(CallStatus(.unimplemented, "the message's compression is not supported"))
    }

    // MARK: What we send

    /// Sends the answer's head now, rather than with the first message.
    package func sendHead() {
        guard let stream, !isOver, !isHeadSent else { return }
        isHeadSent = true
        var count = 0
        let fields = headFields(&count)
        stream.serverConnection {
            $0.respond(stream, UnsafeBufferPointer(start: fields, count: count), ended: false)
        }
    }

    /// Sends a message.
    package func send(_ message: UnsafeRawBufferPointer) {
        send { $0.append(message) }
    }

    /// Sends the message that `write` appends.
    package func send(_ write: (inout ByteBuffer) -> Void) {
        guard !isOver else { return }
        sendHead()
        server.output.removeAll()
        let place = MessageFrame.begin(in: &server.output)
        write(&server.output)
        MessageFrame.end(at: place, in: &server.output)
        sendOutput()
    }

    private func sendOutput() {
        guard let stream else { return }
        stream.connection { $0.send(stream, server.output.readable) }
        if stream.pointee.outbound.count >= Self.outboundHighBytes { isWritable = false }
        server.output.removeAll()
        server.output.shrink(to: 64 << 10)
    }

    func drained() {
        guard let stream else { return }
        if isOver { return server.hangUp(stream) }
        guard !isWritable, stream.pointee.outbound.count <= Self.outboundLowBytes else { return }
        isWritable = true
        handler?.drained(self)
    }

    /// Ends the call: as an answer without messages where none was sent, else in trailers.
    package func finish(_ status: CallStatus) {
        guard let stream, !isOver else { return }
        isOver = true
        handler = nil
        timers.disarm(timer)
        if isHeadSent { sendTrailers(status, stream) } else { sendOnly(status, stream) }
        if !stream.pointee.flags.contains(.remoteEnded) { server.hangUpSoon(self) }
    }

    private func sendTrailers(_ status: CallStatus, _ stream: StreamPointer) {
        let start = stream.pointee.fields.count
        appendStatus(status, stream)
        let count = stream.pointee.fields.count - start
        let trailers = stream.pointee.fields.reserveFields(count + trailingMetadata.count)
        for index in 0..<count { trailers.initializeElement(at: index, to: stream.pointee.fields[start + index]) }
        for (index, field) in trailingMetadata.enumerated() {
            trailers.initializeElement(at: count + index, to: field)
        }
        stream.connection { $0.finish(stream, trailers: trailers) }
    }

    /// Trailers-Only: everything in one head (gRPC over HTTP/2, "Responses").
    private func sendOnly(_ status: CallStatus, _ stream: StreamPointer) {
        isHeadSent = true
        var count = 0
        let fields = headFields(&count)
        let start = stream.pointee.fields.count
        appendStatus(status, stream)
        for index in start..<stream.pointee.fields.count {
            fields[count] = stream.pointee.fields[index]
            count += 1
        }
        for field in trailingMetadata {
            fields[count] = field
            count += 1
        }
        stream.serverConnection {
            $0.respond(stream, UnsafeBufferPointer(start: fields, count: count), ended: true)
        }
    }

    /// Puts the status behind the request's fields: its bytes must lie in the stream's own arena.
    private func appendStatus(_ status: CallStatus, _ stream: StreamPointer) {
        if status.code == .ok, status.message.isEmpty, status.details.isEmpty {
            stream.pointee.fields.append(Field("grpc-status", "0", token: .grpcStatus))
            return
        }
        var message = status.message
        message.withUTF8 { message in
            status.details.withUnsafeBytes { details in
                StatusFields.append(
                    status.code, message: UnsafeRawBufferPointer(message), details: details,
                    to: &stream.pointee.fields, scratch: &server.scratch)
            }
        }
    }

    private func headFields(_ count: inout Int) -> UnsafeMutablePointer<Field> {
        let fields = server.context.fieldScratch.baseAddress!
        fields[0] = Field(":status", "200", token: .status)
        fields[1] = Field("content-type", "application/grpc", token: .contentType)
        count = 2
        for field in initialMetadata {
            fields[count] = field
            count += 1
        }
        return fields
    }

    /// For keeping: leads to the call as long as it is the same one and not over.
    package var reference: CallReference { CallReference(call: self, generation: generation) }
}

/// A call that may have ended, and whose object may serve another by now.
package struct CallReference {
    fileprivate unowned(unsafe) let call: GRPCCall
    fileprivate let generation: UInt64

    /// `nil` where the call is over.
    package var live: GRPCCall? {
        call.generation == generation && !call.isOver ? call : nil
    }
}
