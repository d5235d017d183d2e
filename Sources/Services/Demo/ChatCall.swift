internal import Messages
internal import Transport

/// Bidirectional: answers each message as it comes. The caller is held back while an answer waits for its time or for
/// room.
final class ChatCall: DemoCall {
    private var isFull = false

    override func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
        guard let request = decode(Martlet_Demo_V1_ChatRequest.self, message, call),
            follow(request.instructions, call)
        else { return }
        call.pauseReading()
        afterDelay(call) { [self] call in
            var reply = Martlet_Demo_V1_ChatReply()
            reply.text = request.text
            reply.sequence = request.sequence
            reply.payload = payload(or: request.payload)
            if answerCount == 0 { reply.seen = seen(call) }
            guard answer(call, reply) else { return }
            isFull = !call.isWritable
            if !isFull { call.resumeReading() }
        }
    }

    override func drained(_ call: GRPCCall) {
        guard isFull else { return }
        isFull = false
        call.resumeReading()
    }

    override func requestEnded(_ call: GRPCCall) { end(call) }
}
