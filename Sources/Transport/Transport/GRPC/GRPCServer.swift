package import Bytes
internal import GRPC
internal import Glibc
package import HTTPModel
internal import Reactor
internal import Time

/// Serves gRPC methods by their exact path, on the streams of an `HTTPServer`. One per worker.
///
/// Uncompressed messages only. A unary call that is answered at once allocates nothing: its object, its buffers and its
/// timer have served other calls before.
package final class GRPCServer: StreamHandler {
    package let context: WorkerContext
    /// The largest message that is taken.
    package let messageBytesMax: UInt32
    private var methods: [(path: [UInt8], method: GRPCMethod)] = []
    /// All there are, and of them those that serve no call.
    private var calls: [GRPCCall] = []
    private var idleCalls: [GRPCCall] = []
    /// Where messages are framed before they go to their stream.
    var output = ByteBuffer(capacity: 4096)
    /// Where statuses and metadata are encoded.
    var scratch = ByteBuffer(capacity: 512)

    package init(context: WorkerContext, messageBytesMax: UInt32 = MessageReader.defaultPayloadBytesMax) {
        self.context = context
        self.messageBytesMax = messageBytesMax
    }

    /// `path` is `/package.Service/Method`.
    package func register(_ path: String, _ method: GRPCMethod) {
        precondition(!methods.contains { $0.path.elementsEqual(path.utf8) }, "\(path) is registered twice")
        methods.append((Array(path.utf8), method))
    }

    /// Calls whose streams have not closed. For tests.
    package var callCount: Int { calls.count - idleCalls.count }

    private func call(_ stream: StreamPointer) -> GRPCCall? {
        stream.pointee.context.map { Unmanaged<GRPCCall>.fromOpaque($0)._withUnsafeGuaranteedRef { $0 } }
    }

    // MARK: StreamHandler

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        let fields = stream.pointee.fields
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        let verb = fields.first(.method)?.valueBytes ?? empty
        let type = fields.first(.contentType)?.valueBytes
        guard ClientProtocol(method: verb, contentType: type) == .grpc else {
            return refuse(stream, isPost: verb.equals("POST"))
        }
        let call = take()
        stream.pointee.context = Unmanaged.passUnretained(call).toOpaque()
        call.begin(on: stream)
        guard !stream.pointee.flags.contains(.headTooLarge) else {
            return call.finish(CallStatus(.resourceExhausted, "the request's metadata is too large"))
        }
        guard let method = method(fields.first(.path)?.valueBytes ?? empty) else {
            return call.finish(CallStatus(.unimplemented, "no such method"))
        }
        var timeout: Duration?
        if let field = fields.first(.grpcTimeout) {
            // Servers differ in which of two counts.
            guard let parsed = GRPCTimeout(field.valueBytes), fields.all.count(where: { $0.token == .grpcTimeout }) == 1 else {
                return call.finish(CallStatus(.invalidArgument, "grpc-timeout is malformed, or there twice"))
            }
            timeout = parsed.duration
        }
        call.start(method, timeout: timeout)
        if ended { call.requestEnd() }
    }

    private func method(_ path: UnsafeRawBufferPointer) -> GRPCMethod? {
        for index in methods.indices where methods[index].path.count == path.count {
            if path.count > 0, memcmp(methods[index].path, path.baseAddress!, path.count) == 0 {
                return methods[index].method
            }
        }
        return nil
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        guard let call = call(stream) else { return stream.connection { $0.consumed(stream, slice.count) } }
        call.receive(slice.bytes)
    }

    package func streamEnded(_ stream: StreamPointer) { call(stream)?.requestEnd() }

    package func streamDrained(_ stream: StreamPointer, _ count: Int) { call(stream)?.drained() }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        guard let call = call(stream) else { return }
        stream.pointee.context = nil
        call.end()
        idleCalls.append(call)
    }

    /// A stream may well be silent for long (Watch is): only one that owes us its request, or was answered, is ended.
    package func streamIdle(_ stream: StreamPointer) -> Bool {
        guard let call = call(stream), !call.isOver else { return false }
        if case .streaming = call.method { return true }
        guard !stream.pointee.flags.contains(.remoteEnded) else { return true }
        call.fail(CallStatus(.deadlineExceeded, "the request did not arrive in time"))
        return true
    }

    private func take() -> GRPCCall {
        if let call = idleCalls.popLast() { return call }
        let call = GRPCCall(server: self)
        calls.append(call)
        return call
    }

    // MARK: Answers outside of calls

    /// Not gRPC: refused with an HTTP status (gRPC over HTTP/2, "Requests", Content-Type).
    private func refuse(_ stream: StreamPointer, isPost: Bool) {
        let fields = context.fieldScratch.baseAddress!
        fields[0] = isPost ? Field(":status", "415", token: .status) : Field(":status", "405", token: .status)
        fields[1] = Field("allow", "POST", token: .other)
        stream.serverConnection {
            $0.respond(stream, UnsafeBufferPointer(start: fields, count: isPost ? 1 : 2), ended: true)
        }
        if !stream.pointee.flags.contains(.remoteEnded) { stream.connection { $0.reset(stream, .noError) } }
    }

    /// The call was answered before the caller had sent everything: once the answer has left, the caller is asked to stop
    /// (RFC 9113, section 8.1).
    func hangUp(_ stream: StreamPointer) {
        guard stream.pointee.flags.contains(.localEnded), !stream.pointee.flags.contains(.remoteEnded) else { return }
        stream.connection { $0.reset(stream, .noError) }
    }

    func hangUpSoon(_ call: GRPCCall) {
        let generation = call.generation
        context.loop.afterThisTick { [unowned self, unowned call] in
            guard call.generation == generation, let stream = call.stream else { return }
            hangUp(stream)
        }
    }
}
