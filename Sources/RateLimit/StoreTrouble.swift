package import Redis

/// Why a store outside this process does not decide; for whoever runs it.
package enum StoreTrouble: Equatable, Sendable {
    /// Nothing came in time, `StoreHealth.timeoutsInRowMax` times in a row.
    case silent
    /// There is no connection.
    case unreachable
    /// It does not let us in: the first word of what it said.
    case notAdmitted(String)
    /// It answers, but not with a decision: the first word of what it said.
    case refusing(String)

    /// Why there is no connection to Redis, or none any more.
    package init(_ failure: RedisFailure?) {
        switch failure {
        case .refused(let words): self = .notAdmitted(Self.firstWord(words))
        case .malformedReply: self = .refusing("what is not RESP2")
        case .timedOut: self = .silent
        case .notConnected, .queueFull, .connectionLost, nil: self = .unreachable
        }
    }

    /// What a reply of Redis' says in place of a decision.
    package init(_ reply: RedisReply) {
        self = .refusing(reply.kind == .error ? Self.firstWord(reply.text) : "a reply of another shape")
    }

    /// Whether a sign of life is enough to think that it would decide again.
    var endsWithSignOfLife: Bool {
        switch self {
        case .silent, .unreachable, .notAdmitted: true
        case .refusing: false
        }
    }

    /// The code of an error, such as `WRONGPASS`. No more than that: what follows may quote what was sent, a password too.
    private static func firstWord(_ words: String) -> String {
        let code = words.utf8.prefix(32).prefix { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
        return code.isEmpty ? "an error" : String(decoding: code, as: UTF8.self)
    }
}
