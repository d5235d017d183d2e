internal import Messages
internal import Transport

/// Unary: gives back what it was sent.
final class EchoCall: DemoCall {
    override func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
        guard let request = decode(Martlet_Demo_V1_EchoRequest.self, message, call),
            follow(request.instructions, call)
        else { return }
        afterDelay(call) { [self] call in
            var reply = Martlet_Demo_V1_EchoReply()
            reply.text = request.text
            reply.sequence = request.sequence
            reply.payload = payload(or: request.payload)
            reply.seen = seen(call)
            if answer(call, reply) { end(call) }
        }
    }
}
