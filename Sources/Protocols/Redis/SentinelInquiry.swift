/// One question for the primary's address, put to a store's Sentinels one after the other until one knows it.
///
///     asking first ──no answer, unknown──▶ asking next ──…──▶ failed
///          └──────────address──────────────────┴────▶ found
///
/// Each inquiry begins with another Sentinel than the one before: the last may have been wrong. Pure.
struct SentinelInquiry {
    enum Step: Equatable {
        case ask(Int)
        case found(RedisEndpoint)
        /// None knows it; why.
        case failed(RedisFailure)
    }

    private let count: Int
    private let master: String
    /// The Sentinel that is asked, and how many have been.
    private var current = -1
    private var asked = 0
    /// Of all Sentinels the most telling: words of one that answers before that another cannot be reached.
    private var failure: RedisFailure?

    init(sentinels count: Int, master: String) {
        self.count = count
        self.master = master
    }

    mutating func begin() -> Step {
        asked = 0
        failure = nil
        return next()
    }

    /// The one that was asked has no answer.
    mutating func failed(_ reason: RedisFailure) -> Step {
        record(reason)
        return next()
    }

    mutating func replied(_ reply: RedisReply) -> Step {
        if reply.kind == .array, let host = reply.first, let port = host.next, let number = UInt16(port.text), number > 0,
            !host.bytes.isEmpty
        {
            return .found(.host(host.text, port: number))
        }
        if reply.kind == .error {
            record(.unfit(reply.text))
        } else {
            record(.unfit("that no primary is named \(master)"))
        }
        return next()
    }

    private mutating func record(_ reason: RedisFailure) {
        switch reason {
        case .unfit, .refused, .security: failure = reason
        default: failure = failure ?? reason
        }
    }

    private mutating func next() -> Step {
        guard asked < count else { return .failed(failure ?? .notConnected) }
        asked += 1
        current = (current + 1) % count
        return .ask(current)
    }
}
