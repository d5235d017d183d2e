internal import Bytes
internal import JSON
package import Quotas
package import Reactor
package import Redis
internal import Time

/// Keeps the list of acts of a domain: reads it of the store, changes it there, and says when another holds.
///
///     every half second ──version as known──▶ nothing
///                       ──another──▶ the list is taken ──▶ `changed`
///                       ──an earlier one: the store has lost changes──▶ ours is put back
///                       ──no answer──▶ the last list holds
///
/// Read whole after every failure, and every ten seconds. Without a store the list is this process's. On the control loop.
package final class ActKeeper {
    package struct Outcome {
        package var version: UInt64
        /// What was replaced or removed.
        package var former: [TenantAct] = []
    }

    enum Change {
        case put(TenantAct)
        /// Of these fields, and of all that begin with one of them and a colon.
        case remove([String])
    }

    package static let pollInterval = Duration.milliseconds(500)
    package static let wholeInterval = Duration.seconds(10)
    private static let lineageBytesMax = 32

    private let loop: EventLoop
    private let random: () -> UInt64
    private let say: (String) -> Void
    private var sender: (any RedisSender)?
    private var key = ""
    package private(set) var list = ActList.none
    /// Another list holds, or an act of it has ended.
    package var changed: (() -> Void)?
    /// It has been read once, or cannot be.
    package var settled: (() -> Void)?
    /// Another store's answers are of no use any more.
    private var generation = 0
    private var isReading = false
    private var needsWhole = true
    private var readWholeAt: Instant?
    private var readAt: Instant?
    private var nextEnd: Int64?
    private var trouble: String?
    private var timer: RepeatingTimer?
    /// Changes that are told once the list that has them has been read.
    private var afterReading: [() -> Void] = []

    package init(on loop: EventLoop, random: @escaping () -> UInt64, say: @escaping (String) -> Void) {
        self.loop = loop
        self.random = random
        self.say = say
        timer = RepeatingTimer(every: Self.pollInterval, on: loop) { [unowned self] in poll() }
    }

    /// Another store from now on: what the former had said of tenants holds no more.
    ///
    /// - Parameters:
    ///   - sender: `nil` for none: the list is this process's.
    ///   - domain: what all keys begin with.
    package func use(_ sender: (any RedisSender)?, domain: String) {
        self.sender = sender
        key = "\(domain):acts"
        generation += 1
        isReading = false
        needsWhole = true
        readAt = nil
        trouble = nil
        list = .none
        take(list)
        endReading()
        poll()
    }

    /// How old the list is; `nil` where there is no store, or it was never read.
    package var age: Duration? {
        guard sender != nil else { return nil }
        return readAt.map { .nanoseconds(Int64(clamping: loop.now.nanoseconds(since: $0))) }
    }

    package var isShared: Bool { sender != nil }

    // MARK: Reading

    func poll() {
        let second = loop.wall.seconds
        if let nextEnd, nextEnd <= second { take(list) }
        guard let sender else { return endReading() }
        guard !isReading else { return }
        isReading = true
        if let readWholeAt, readWholeAt + Self.wholeInterval <= loop.now { needsWhole = true }
        let known = needsWhole || readAt == nil ? "" : "\(list.version) \(list.lineage)"
        let asked = generation
        RedisQuestion.ask(sender, .script(ActScripts.read, key: key, [known]), key: key) { [weak self] result in
            guard let self, asked == generation else { return }
            isReading = false
            switch result {
            case .success(let reply): read(reply)
            case .failure(let failure): failed(failure)
            }
            endReading()
        }
    }

    private func read(_ reply: RedisReply) {
        guard reply.kind == .array, let first = reply.first, first.kind == .integer, let second = first.next,
            let version = first.integer.exactly(in: 0 ... .max)?.magnitude, second.bytes.count <= Self.lineageBytesMax
        else { return failed(.unavailable("it answers what is no list of acts")) }
        let lineage = second.text
        readAt = loop.now
        if trouble != nil { say("quota: the list of acts is read again version=\(version)") }
        trouble = nil
        guard let entries = second.next else { return }
        guard version >= list.version else { return restore() }
        needsWhole = false
        readWholeAt = loop.now
        var found = ActList(version: version, lineage: lineage, acts: [])
        var element = entries.first
        while let field = element, let value = field.next {
            if !field.bytes.elementsEqual("version".utf8), !field.bytes.elementsEqual("lineage".utf8) { found.add(value.bytes) }
            element = value.next
        }
        if found.unreadable > 0, found.unreadable != list.unreadable {
            say("quota: the list of acts has entries that cannot be read: they have no effect count=\(found.unreadable)")
        }
        // In an order of its own, as a hash has none.
        found.acts.sort { ($0.since, $0.field) < ($1.since, $1.field) }
        if found != list { take(found) }
    }

    private func failed(_ failure: QuotaFailure) {
        needsWhole = true
        guard case .unavailable(let words) = failure, trouble != words else { return }
        if trouble == nil {
            say("quota: the list of acts cannot be read: the last one holds version=\(list.version) cause=\"\(words)\"")
        }
        trouble = words
    }

    private func endReading() {
        let waiting = afterReading
        afterReading = []
        for action in waiting { action() }
        if let settled, sender == nil || readAt != nil || trouble != nil {
            self.settled = nil
            settled()
        }
    }

    private func take(_ list: ActList) {
        self.list = list
        nextEnd = list.nextEnd(after: loop.wall.seconds)
        changed?()
    }

    /// After a failover, or a restart of a store that keeps nothing.
    private func restore() {
        guard let sender else { return }
        var text = ByteBuffer(capacity: 4096)
        var json = JSONWriter()
        json.beginObject(&text)
        for act in list.holding(at: loop.wall.seconds) {
            json.key(act.field, &text)
            json.string(act.text, &text)
        }
        json.endObject(&text)
        say("quota: the store has lost changes of the list of acts: it is put back version=\(list.version)")
        let words = ["\(list.version)", list.lineage, String(decoding: text.readable, as: UTF8.self)]
        needsWhole = true
        RedisQuestion.ask(sender, .script(ActScripts.restore, key: key, words), key: key) { _ in }
    }

    // MARK: Changing

    /// - Parameter completion: called once; after that, `list` has the change, unless the store has gone meanwhile.
    func change(_ change: Change, completion: @escaping (Result<Outcome, QuotaFailure>) -> Void) {
        guard let sender else { return completion(changeOwn(change)) }
        let lineage = String(random(), radix: 16)
        var words = ["\(loop.wall.seconds)", "\(ActList.actsMax)", "\(ActList.bytesMax)", lineage]
        switch change {
        case .put(let act): words += ["put", act.field, act.text]
        case .remove(let fields): words += ["remove"] + fields
        }
        let asked = generation
        RedisQuestion.ask(sender, .script(ActScripts.change, key: key, words), key: key) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let reply):
                let outcome = Self.outcome(reply)
                guard asked == generation, case .success = outcome else { return completion(outcome) }
                afterReading.append { completion(outcome) }
                // One that is under way was asked for behind the change, and has it.
                poll()
            }
        }
    }

    private static func outcome(_ reply: RedisReply) -> Result<Outcome, QuotaFailure> {
        guard reply.kind == .array, let version = reply.first, version.kind == .integer else {
            return .failure(.unavailable("it answers what is no change of a list"))
        }
        guard let number = version.integer.exactly(in: 0 ... .max) else { return .failure(full) }
        var outcome = Outcome(version: UInt64(number))
        var element = version.next
        while let value = element {
            if let act = TenantAct(value.bytes) { outcome.former.append(act) }
            element = value.next
        }
        return .success(outcome)
    }

    private static var full: QuotaFailure {
        .exhausted("as many acts hold as there may be: \(ActList.actsMax), or \(ActList.bytesMax) bytes")
    }

    private func changeOwn(_ change: Change) -> Result<Outcome, QuotaFailure> {
        var next = list
        next.acts = next.holding(at: loop.wall.seconds)
        var former: [TenantAct] = []
        switch change {
        case .put(let act):
            former = next.acts.filter { $0.field == act.field }
            guard next.acts.count - former.count < ActList.actsMax else { return .failure(Self.full) }
            next.put(act)
        case .remove(let fields):
            former = next.acts.filter { act in fields.contains { act.field == $0 || act.field.hasPrefix($0 + ":") } }
            guard !former.isEmpty else { return .success(Outcome(version: next.version)) }
            next.remove(former)
        }
        take(next)
        return .success(Outcome(version: next.version, former: former))
    }
}
