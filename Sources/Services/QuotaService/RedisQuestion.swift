internal import Bytes
internal import RateLimit
internal import Redis
internal import Time

/// One command, off the request path, and what becomes of its answer.
final class RedisQuestion: RedisReplyHandler {
    private let body: (Result<RedisReply, QuotaFailure>) -> Void

    /// - Parameter body: called once; perhaps before this returns. A reply is valid for the length of the call, and no error.
    static func ask(
        _ sender: any RedisSender, _ command: RESPCommand, key: String, _ body: @escaping (Result<RedisReply, QuotaFailure>) -> Void
    ) {
        var key = key
        let slot = key.withUTF8 { ClusterSlot(of: UnsafeRawBufferPointer($0)) }
        // A pipeline keeps it.
        if sender.send(command, to: slot, after: .zero, RedisQuestion(body), tag: 0, by: sender.now + timeout) != nil {
            body(.failure(.unavailable(StoreTrouble(sender.lastFailure).words)))
        }
    }

    /// Longer than a call waits: no call waits for it.
    static let timeout = Duration.seconds(1)

    private init(_ body: @escaping (Result<RedisReply, QuotaFailure>) -> Void) { self.body = body }

    func redisReplied(_ reply: RedisReply, to tag: UInt) {
        guard reply.kind == .error else { return body(.success(reply)) }
        body(.failure(.unavailable("it answers \(StoreTrouble.line(of: reply.text))")))
    }

    func redisFailed(_ failure: RedisFailure, for tag: UInt) { body(.failure(.unavailable(StoreTrouble(failure).words))) }
}

extension StoreTrouble {
    fileprivate var words: String {
        switch self {
        case .silent: "no answer in time"
        case .unreachable(let reason): reason.map { "cannot be reached: \($0)" } ?? "cannot be reached"
        case .insecure(let reason): "TLS: \(reason)"
        case .notAdmitted(let words): "it does not let us in: \(words)"
        case .refusing(let words): "it answers \(words)"
        }
    }
}

extension RESPCommand {
    /// `EVAL` with one key.
    static func script(_ text: StaticString, key: String, _ words: [String]) -> RESPCommand {
        let command = RESPCommand()
        command.add("EVAL")
        command.add(text)
        command.add("1")
        command.add(key)
        for word in words { command.add(word) }
        return command
    }
}
