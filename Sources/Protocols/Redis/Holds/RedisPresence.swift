internal import Bytes
internal import Crypto
internal import Time

/// Has a process counted among those that share a prefix of keys, and hears how many of them live.
///
/// The same as a call in flight under one key: each process holds one, says so now and then, and counts no more once it has been silent
/// for too long. While nothing is heard of the server the last number stands.
package final class RedisPresence: RedisReplyHandler {
    private let sender: any RedisSender
    private let key: [UInt8]
    private let name: String
    private let heartbeatTimeout: Duration
    private let counted: (Int) -> Void
    private let command = RESPCommand()
    private var hasLeft = false

    /// How often `tell` is to be called.
    package var interval: Duration { .nanoseconds(heartbeatTimeout.nanoseconds * 3 / 10) }

    /// - Parameters:
    ///   - prefix: what all keys begin with.
    ///   - heartbeatTimeout: after so long without a word a process is dead.
    ///   - counted: is given how many live, this one among them.
    package init(_ sender: any RedisSender, prefix: String, heartbeatTimeout: Duration, counted: @escaping (Int) -> Void) {
        self.sender = sender
        self.heartbeatTimeout = heartbeatTimeout
        self.counted = counted
        key = Array("\(prefix):gateways".utf8)
        name = "g" + String(RandomBytes.uint64() & 0xffff_ffff_ffff, radix: 16)
    }

    /// Says that the process lives.
    package func tell() { if !hasLeft { send(inFull: false) } }

    /// Says that it ends.
    package func leave() {
        guard !hasLeft else { return }
        hasLeft = true
        send(inFull: false)
    }

    private func send(inFull: Bool) {
        command.removeAll()
        command.add(inFull ? "EVAL" : "EVALSHA")
        command.add(inFull ? HoldScript.text : HoldScript.name)
        command.add(decimal: 1)
        key.withUnsafeBytes { command.add($0) }
        command.add(name)
        command.add(decimal: UInt64(heartbeatTimeout.nanoseconds / 1_000_000))
        command.add(decimal: hasLeft ? 1 : 0)
        command.add(decimal: hasLeft ? 0 : 1)
        let slot = key.withUnsafeBytes { ClusterSlot(of: $0) }
        // Nothing waits for it: where it cannot be sent, the next one tells.
        _ = sender.send(command, to: slot, after: .zero, self, tag: 0, by: sender.now + interval)
    }

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        if reply.kind == .error, reply.hasPrefix("NOSCRIPT") { return send(inFull: true) }
        guard !hasLeft, reply.kind == .array, let all = reply.first?.next?.integer.exactly(in: 1...Self.countMax) else { return }
        counted(Int(all.magnitude))
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {}

    private static let countMax: Int64 = 1_000_000
}
