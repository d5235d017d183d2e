internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Transport

/// One request of a health probe, on a connection that the probe keeps.
final class ProbeCall: StreamHandler {
    enum Event: Equatable {
        /// A message of grpc.health.v1 has come.
        case status(HealthCheck.ServingStatus)
        /// The head of an answer to an HTTP request.
        case answered(Int)
        /// Nothing more will come; `nil` where it is the connection's fault, or the peer broke the protocol.
        case ended(StatusCode?)
    }

    private let isGRPC: Bool
    private var handler: ((Event) -> Void)?
    private var stream: StreamPointer?
    private var reader = MessageReader(payloadBytesMax: 4096)

    private init(isGRPC: Bool, handler: @escaping (Event) -> Void) {
        self.isGRPC = isGRPC
        self.handler = handler
    }

    /// Check or Watch; `nil` where the connection takes no request.
    static func health(
        _ path: StaticString, service: String, authority: String, isSecure: Bool, on connection: ClientConnection,
        handler: @escaping (Event) -> Void
    ) -> ProbeCall? {
        let call = ProbeCall(isGRPC: true, handler: handler)
        let fields = [
            ("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", "martlet"),
        ]
        guard call.begin("POST", "\(path)", authority, isSecure, fields, ended: false, on: connection), let stream = call.stream
        else {
            return nil
        }
        var message = ByteBuffer(capacity: 64)
        let frame = MessageFrame.begin(in: &message)
        var service = service
        service.withUTF8 { HealthCheck.appendRequest(service: BorrowedBytes($0), to: &message) }
        MessageFrame.end(at: frame, in: &message)
        connection.send(stream, message.readable)
        connection.finish(stream)
        return call
    }

    static func get(
        _ path: String, authority: String, isSecure: Bool, on connection: ClientConnection, handler: @escaping (Event) -> Void
    ) -> ProbeCall? {
        let call = ProbeCall(isGRPC: false, handler: handler)
        return call.begin("GET", path, authority, isSecure, [("user-agent", "martlet")], ended: true, on: connection) ? call : nil
    }

    private func begin(
        _ method: String, _ path: String, _ authority: String, _ isSecure: Bool, _ more: [(String, String)], ended: Bool,
        on connection: ClientConnection
    ) -> Bool {
        let fields =
            [
                (":method", method), (":scheme", isSecure ? "https" : "http"), (":path", path), (":authority", authority),
            ] + more
        guard let stream = try? connection.makeStream() else { return false }
        let scratch = connection.context.fieldScratch
        for (index, (name, value)) in fields.enumerated() {
            scratch[index] = stream.fields.keepField(name, value)
        }
        let head = FieldList(rebasing: scratch[..<fields.count])
        guard
            (try? connection.submit(stream, head, ended: ended, handler: UnownedReference(self), context: nil)) != nil
        else { return false }
        self.stream = stream
        return true
    }

    /// Its handler is not notified any more.
    func cancel() {
        handler = nil
        guard let stream else { return }
        self.stream = nil
        stream.handler = nil
        stream.connection { $0.reset(stream, .cancel) }
    }

    private func end(_ event: Event) {
        guard let handler else { return }
        self.handler = nil
        if let stream {
            self.stream = nil
            stream.handler = nil
            if !stream.flags.contains(.remoteEnded) { stream.connection { $0.reset(stream, .cancel) } }
        }
        handler(event)
    }

    /// The handler may release the call, which is on the stack: streams do not hold their handlers.
    private func outlive(_ stream: StreamPointer) {
        stream.connection { $0.context.loop.retire(self) }
    }

    // MARK: StreamHandler

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        outlive(stream)
        let status = stream.fields.status
        guard isGRPC else { return end(.answered(status)) }
        guard status == 200 else { return end(.ended(StatusCode(httpStatusWithoutGRPCStatus: status))) }
        if ended { end(.ended(Self.status(of: stream, from: 0))) }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        outlive(stream)
        stream.connection { $0.consumed(stream, slice.count) }
        reader.receive(slice.bytes)
        do throws(MessageReader.Failure) {
            while let message = try reader.next() {
                guard !message.isCompressed, let status = try? HealthCheck.status(inResponse: message.payload) else {
                    return end(.ended(nil))
                }
                handler?(.status(status))
                // The handler may have ended the call.
                guard handler != nil else { return }
            }
        } catch {
            end(.ended(nil))
        }
    }

    func streamEnded(_ stream: StreamPointer) {
        outlive(stream)
        end(.ended(Self.status(of: stream, from: stream.trailersStart)))
    }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        outlive(stream)
        self.stream = nil
        end(.ended(nil))
    }

    private static func status(of stream: StreamPointer, from start: Int) -> StatusCode? {
        AnswerStatus(stream.fields, from: start).code
    }
}
