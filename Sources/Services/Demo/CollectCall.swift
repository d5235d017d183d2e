internal import GRPC
internal import Messages
internal import Transport

/// Client streaming: takes everything, then says what it took.
final class CollectCall: DemoCall {
    private var reply = Martlet_Demo_V1_CollectReply()
    private var textBytes = 0
    /// What a stock client would still take as an answer.
    private static let textBytesMax = 3 << 20

    override func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
        guard let request = decode(Martlet_Demo_V1_CollectRequest.self, message, call),
            follow(request.instructions, call)
        else { return }
        textBytes += request.text.utf8.count + 8
        guard textBytes <= Self.textBytesMax else {
            return call.finish(CallStatus(.resourceExhausted, "the texts are larger than an answer may be"))
        }
        reply.messages += 1
        reply.payloadBytes += UInt64(request.payload.count)
        reply.texts.append(request.text)
        reply.lastSequence = request.sequence
    }

    override func requestEnded(_ call: GRPCCall) {
        afterDelay(call) { [self] call in
            reply.payload = payload()
            reply.seen = seen(call)
            if answer(call, reply) { end(call) }
        }
    }
}
