internal import Bytes
package import Redis
internal import Time

/// Deletes counters in Redis. What gateways remember of them is forgotten by `LimitStore.forget`.
package final class CounterEraser: RedisReplyHandler {
    private let completion: (Bool) -> Void
    private var outstanding = 1
    private var hasFailed = false

    /// - Parameter completion: called once, perhaps before this returns: whether all were deleted.
    package static func erase(
        _ counters: [CounterName], in sender: any RedisSender, prefix: String, completion: @escaping (Bool) -> Void
    ) {
        let eraser = CounterEraser(completion)
        let prefix = Array(prefix.utf8)
        let request = LimitRequest(keepsValues: true)
        for counter in counters {
            counter.fill(request)
            var key = ByteBuffer(capacity: 256)
            RedisKey.write(request, 0, prefix: prefix, to: &key)
            let command = RESPCommand()
            command.add("DEL")
            command.add(key.readable)
            eraser.outstanding += 1
            let slot = ClusterSlot(of: key.readable)
            if sender.send(command, to: slot, after: .zero, eraser, tag: 0, by: sender.now + answerMax) != nil {
                eraser.answered(false)
            }
        }
        eraser.answered(true)
    }

    private static let answerMax = Duration.seconds(1)

    private init(_ completion: @escaping (Bool) -> Void) { self.completion = completion }

    private func answered(_ isDone: Bool) {
        if !isDone { hasFailed = true }
        outstanding -= 1
        if outstanding == 0 { completion(!hasFailed) }
    }

    package func redisReplied(_ reply: RedisReply, to tag: UInt) { answered(reply.kind == .integer) }
    package func redisFailed(_ failure: RedisFailure, for tag: UInt) { answered(false) }
}
