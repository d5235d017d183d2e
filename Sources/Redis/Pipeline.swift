package import Time

/// Hears what became of a command.
package protocol RedisReplyHandler: AnyObject {
    /// `reply` is valid only for the length of the call.
    func redisReplied(_ reply: RedisReply, to tag: UInt)
    func redisFailed(_ failure: RedisFailure, for tag: UInt)
}

/// Where commands go: `RedisClient`, or a test's stand-in.
package protocol RedisSender: AnyObject {
    /// Either refuses at once, with the failure returned and `handler` not called, or tells `handler` exactly once, later.
    func send(_ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt) -> RedisFailure?
    var now: Instant { get }
    var wall: WallTime { get }
}

/// The commands in flight, oldest first: RESP answers in order, so the next reply is the oldest's.
///
///     pushed ──reply──▶ delivered
///        └──deadline──▶ expired ──reply──▶ swallowed
///
/// One that has expired keeps its place, or every later reply would go to the wrong caller. All deadlines are the same
/// distance away, so they come in order too. Pure: time is an argument.
package struct Pipeline: ~Copyable {
    package struct Entry {
        package let handler: any RedisReplyHandler
        package let tag: UInt
        package let deadline: Instant
    }

    package enum Match {
        case deliver(Entry)
        /// Its caller has been told that it timed out.
        case swallow
        /// Nobody asked: the server has lost count.
        case unexpected
    }

    private let entries: UnsafeMutablePointer<Entry?>
    package let capacity: Int
    private var head = 0
    package private(set) var count = 0
    /// How many at the front have expired.
    private var expired = 0

    package init(capacity: Int) {
        self.capacity = capacity
        entries = .allocate(capacity: capacity)
        entries.initialize(repeating: nil, count: capacity)
    }

    deinit { entries.deinitialize(count: capacity).deallocate() }

    package var isFull: Bool { count == capacity }

    /// The caller has looked at `isFull`.
    package mutating func push(_ entry: Entry) {
        precondition(count < capacity)
        entries[(head + count) % capacity] = entry
        count += 1
    }

    /// A reply has come.
    package mutating func answered() -> Match {
        guard count > 0 else { return .unexpected }
        let entry = popFirst()
        if expired > 0 {
            expired -= 1
            return .swallow
        }
        guard let entry else { return .unexpected }
        return .deliver(entry)
    }

    /// The next entry whose time is up, to be told so; `nil` when there is none.
    package mutating func expire(now: Instant) -> Entry? {
        guard expired < count else { return nil }
        let index = (head + expired) % capacity
        guard let entry = entries[index], entry.deadline <= now else { return nil }
        expired += 1
        return entry
    }

    /// The next entry that still waits, oldest first, as the connection is lost; `nil` when the pipeline is empty.
    package mutating func abandon() -> Entry? {
        while count > 0 {
            let entry = popFirst()
            if expired > 0 { expired -= 1 } else { return entry }
        }
        return nil
    }

    /// When the next one expires.
    package var nextDeadline: Instant? {
        expired < count ? entries[(head + expired) % capacity]?.deadline : nil
    }

    /// When the oldest unanswered one expired or will.
    package var oldestDeadline: Instant? { count > 0 ? entries[head]?.deadline : nil }

    private mutating func popFirst() -> Entry? {
        let entry = entries[head]
        entries[head] = nil
        head = (head + 1) % capacity
        count -= 1
        return entry
    }
}
