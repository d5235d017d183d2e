internal import Bytes
package import Redis
package import Time

/// A cluster whose servers the test is: each command stays until it is answered.
package final class ShardedSender: RedisSender {
    package struct Sent {
        package let slot: ClusterSlot
        /// Its words, with a blank between.
        package let text: String
        package let pause: Duration
        let handler: any RedisReplyHandler
        let tag: UInt
    }

    package var now: Instant
    package var wall: WallTime
    package var isSharded = true
    package var timeout: Duration { .milliseconds(20) }
    package func generation(of slot: ClusterSlot) -> UInt64 { 0 }
    package var lastFailure: RedisFailure?
    package var sent: [Sent] = []
    /// Commands for these cannot be sent.
    package var refusing: Set<ClusterSlot> = []
    /// None can be sent.
    package var isRefusing = false

    package init(now: Instant, wall: WallTime) {
        self.now = now
        self.wall = wall
    }

    package func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure? { .notConnected }

    package func send(
        _ command: RESPCommand, to slot: ClusterSlot, after pause: Duration, _ handler: any RedisReplyHandler, tag: UInt,
        by deadline: Instant?
    ) -> RedisFailure? {
        if isRefusing || refusing.contains(slot) { return .notConnected }
        var output = ByteBuffer()
        command.write(to: &output)
        let text = String(decoding: output.readable, as: UTF8.self).split(separator: "\r\n").filter {
            !"*$".contains($0.first ?? " ")
        }
        sent.append(Sent(slot: slot, text: text.joined(separator: " "), pause: pause, handler: handler, tag: tag))
        return nil
    }

    /// Answers the first command that waits.
    package func reply(_ text: String) throws {
        let next = sent.removeFirst()
        let reader = RESPReader()
        try Array(text.utf8).withUnsafeBytes { try reader.feed($0) }
        if let reply = try reader.next() { next.handler.redisReplied(reply, to: next.tag) }
    }

    /// Fails the first command that waits.
    package func fail(_ failure: RedisFailure) {
        let next = sent.removeFirst()
        next.handler.redisFailed(failure, for: next.tag)
    }

    /// Fails those that wait, but none that is sent meanwhile.
    package func failAll(_ failure: RedisFailure) {
        for _ in sent { fail(failure) }
    }
}
