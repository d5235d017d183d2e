package import Time

/// Hears what became of a command.
package protocol RedisReplyHandler: AnyObject {
    /// `reply` is valid only for the length of the call.
    func redisReplied(_ reply: RedisReply, to tag: UInt)
    func redisFailed(_ failure: RedisFailure, for tag: UInt)
}

/// Where commands go: `RedisClient`, or a test's stand-in.
package protocol RedisSender: AnyObject {
    /// Either refuses at once, with the failure returned and `handler` not called, or tells `handler` exactly once, later:
    /// by `deadline`, or where that is `nil` within `timeout`.
    func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure?
    /// As `send`, to the server that has this slot, once `pause` is over.
    func send(
        _ command: RESPCommand, to slot: ClusterSlot, after pause: Duration, _ handler: any RedisReplyHandler, tag: UInt,
        by deadline: Instant?
    ) -> RedisFailure?
    /// Keys of different slots may be on different servers: a command has only keys of one.
    var isSharded: Bool { get }
    /// Tells the connections to a slot's server apart: another one may lead to another server, or to one that has lost what it knew.
    func generation(of slot: ClusterSlot) -> UInt64
    /// From sending a command to its reply.
    var timeout: Duration { get }
    /// Why there is no connection, or the last one ended.
    var lastFailure: RedisFailure? { get }
    var now: Instant { get }
    var wall: WallTime { get }
}

/// A `RedisSender` with connections of its own.
package protocol RedisConnector: RedisSender {
    /// Other passwords, for the connections that are open as for later ones.
    func renew(_ passwords: RedisPasswords)
    /// Called where a server refuses another password on a connection that is open, with its words.
    var onRefusedPassword: ((String) -> Void)? { get set }
    /// Ends for good; what is in flight fails. Not from within a reply.
    func close()
}

/// For one server, which has all slots.
extension RedisSender {
    package var isSharded: Bool { false }

    package func send(
        _ command: RESPCommand, to slot: ClusterSlot, after pause: Duration, _ handler: any RedisReplyHandler, tag: UInt,
        by deadline: Instant?
    ) -> RedisFailure? {
        send(command, handler, tag: tag, by: deadline)
    }
}

extension RedisSender {
    package func send(_ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt) -> RedisFailure? {
        send(command, handler, tag: tag, by: nil)
    }
}

/// The commands in flight, oldest first: RESP answers in order, so the next reply is the oldest's.
///
///     pushed ──reply──▶ delivered
///        └──deadline──▶ expired ──reply──▶ swallowed
///
/// One that has expired keeps its place, or every later reply would go to the wrong caller. Deadlines come in order but
/// for the few commands that carry on with what is left of another's time. Pure: time is an argument.
package struct Pipeline: ~Copyable {
    package struct Entry {
        package let handler: any RedisReplyHandler
        package let tag: UInt
        package let deadline: Instant
        /// Its deadline is before that of one in front of it.
        fileprivate var isHurried = false
        fileprivate var isExpired = false

        package init(handler: any RedisReplyHandler, tag: UInt, deadline: Instant) {
            self.handler = handler
            self.tag = tag
            self.deadline = deadline
        }
    }

    package enum Match {
        case deliver(Entry)
        /// Its caller has been told that it timed out.
        case swallow
        /// Unasked for: the server has lost count.
        case unexpected
    }

    private let entries: UnsafeMutablePointer<Entry?>
    package let capacity: Int
    private var head = 0
    package private(set) var count = 0
    /// How many at the front are known to have expired; behind them only hurried ones have.
    private var expired = 0
    /// Hurried ones that wait, and when the first of them expires at the earliest.
    private var hurried = 0
    private var hurriedDeadline = Instant.distantFuture
    /// How far the present search for hurried ones that have expired has come, and the first deadline of those that it has passed by:
    /// with a patient command in front all others are hurried.
    private var searched = 0
    private var passedDeadline = Instant.distantFuture
    /// Of all that were ever pushed.
    private var latestDeadline = Instant(nanoseconds: 0)

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
        var entry = entry
        if entry.deadline < latestDeadline {
            entry.isHurried = true
            if hurried == 0 { (hurriedDeadline, searched, passedDeadline) = (.distantFuture, 0, .distantFuture) }
            hurried += 1
            hurriedDeadline = min(hurriedDeadline, entry.deadline)
        } else {
            latestDeadline = entry.deadline
        }
        entries[slot(count)] = entry
        count += 1
    }

    /// A reply has come.
    package mutating func answered() -> Match {
        guard let entry = popFirst() else { return .unexpected }
        return entry.isExpired ? .swallow : .deliver(entry)
    }

    /// The next entry whose time is up, to be told so; `nil` when there is none.
    package mutating func expire(now: Instant) -> Entry? {
        while expired < count, entries[slot(expired)]?.isExpired == true { expired += 1 }
        if expired < count, let entry = entries[slot(expired)], entry.deadline <= now {
            expire(at: expired)
            expired += 1
            return entry
        }
        while hurried > 0, hurriedDeadline <= now {
            searched = max(searched, expired)
            while searched < count {
                let place = searched
                searched += 1
                guard let entry = entries[slot(place)], entry.isHurried, !entry.isExpired else { continue }
                guard entry.deadline <= now else {
                    passedDeadline = min(passedDeadline, entry.deadline)
                    continue
                }
                expire(at: place)
                return entry
            }
            hurriedDeadline = passedDeadline
            (searched, passedDeadline) = (0, .distantFuture)
        }
        return nil
    }

    /// The next entry that still waits, oldest first, as the connection is lost; `nil` when the pipeline is empty.
    package mutating func abandon() -> Entry? {
        while let entry = popFirst() {
            if !entry.isExpired { return entry }
        }
        return nil
    }

    /// When `expire` may have something to say again.
    package var nextDeadline: Instant? {
        let inOrder = expired < count ? entries[slot(expired)]?.deadline : nil
        return hurried > 0 ? min(hurriedDeadline, inOrder ?? .distantFuture) : inOrder
    }

    /// When the oldest unanswered one expired or will.
    package var oldestDeadline: Instant? { count > 0 ? entries[head]?.deadline : nil }

    private func slot(_ place: Int) -> Int { (head + place) % capacity }

    private mutating func expire(at place: Int) {
        let index = slot(place)
        if entries[index]?.isHurried == true { hurried -= 1 }
        entries[index]?.isExpired = true
    }

    private mutating func popFirst() -> Entry? {
        guard count > 0 else { return nil }
        let entry = entries[head]
        entries[head] = nil
        head = (head + 1) % capacity
        count -= 1
        if expired > 0 { expired -= 1 }
        if searched > 0 { searched -= 1 }
        if let entry, entry.isHurried, !entry.isExpired { hurried -= 1 }
        return entry
    }
}
