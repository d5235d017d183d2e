internal import Messages
internal import Transport

/// Server streaming: counts, one message a number, as fast as the caller reads.
final class CountCall: DemoCall {
    private var request = Martlet_Demo_V1_CountRequest()
    private var sentCount: UInt64 = 0
    private var isWaiting = false

    override func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
        guard let request = decode(Martlet_Demo_V1_CountRequest.self, message, call),
            follow(request.instructions, call)
        else { return }
        self.request = request
        goOn(call)
    }

    override func drained(_ call: GRPCCall) {
        guard isWaiting else { return }
        isWaiting = false
        goOn(call)
    }

    private func goOn(_ call: GRPCCall) {
        while !call.isOver {
            guard sentCount < request.count else { return end(call) }
            guard call.isWritable else {
                isWaiting = true
                return
            }
            guard instructions.delayMs == 0 else {
                return afterDelay(call) { [self] call in
                    if sendNext(call) { goOn(call) }
                }
            }
            guard sendNext(call) else { return }
        }
    }

    private func sendNext(_ call: GRPCCall) -> Bool {
        var reply = Martlet_Demo_V1_CountReply()
        reply.sequence = request.from &+ sentCount
        reply.text = request.text
        reply.payload = payload()
        if sentCount == 0 { reply.seen = seen(call) }
        sentCount += 1
        return answer(call, reply)
    }
}
