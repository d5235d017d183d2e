internal import Bytes
package import Quotas
package import Reactor
internal import Redis
internal import Time

/// Sums of what tenants have used, by hour and day: gathered of the workers, and kept in the store.
///
///     workers ──every second──▶ gathered ──sealed, 100 fields at a time──▶ in flight ──answer──▶ gone
///                                                        └──none: asked again, with the same number──┘
///
/// A sealed part has a number by which the store knows it again, so none is added twice. What is beyond `entriesMax` is lost and counted.
/// Without a store the sums are this process's. On the control loop.
final class UsageLedger {
    /// A part of an hour that is asked to be added, until it has been.
    private struct Part {
        let hour: Int64
        let number: UInt64
        let sums: [(key: UsageKey, hits: UInt64)]
    }

    static let entriesMax = 100_000
    static let partMax = 100
    static let dayRetention: Int64 = 400 * 86_400
    static let hourRetention: Int64 = 7 * 86_400
    static let hourSeconds: Int64 = 3600

    private let loop: EventLoop
    /// Tells this process from others of the domain.
    private let process: String
    private let say: (String) -> Void
    private var sender: (any RedisSender)?
    private var domain = ""
    /// By hour, in seconds.
    private(set) var sums: [Int64: [UsageKey: UInt64]] = [:]
    private(set) var entryCount = 0
    private var part: Part?
    private var isAsking = false
    private var lastNumber: UInt64 = 0
    private(set) var hitsLost: UInt64 = 0
    private var hasFailed = false
    private var use = TopSketch()
    private var formerUse = TopSketch()
    private var refusals = TopSketch()
    private var formerRefusals = TopSketch()
    private var sketchHour: Int64 = 0
    private var timer: RepeatingTimer?

    init(on loop: EventLoop, process: UInt64, say: @escaping (String) -> Void) {
        self.loop = loop
        self.process = "#" + String(process, radix: 16)
        self.say = say
        timer = RepeatingTimer(every: .seconds(1), on: loop) { [unowned self] in flush() }
    }

    /// Another store from now on; what has not been kept in the former goes there.
    func use(_ sender: (any RedisSender)?, domain: String) {
        self.sender = sender
        self.domain = domain
        isAsking = false
    }

    /// What is to be kept has been.
    var isSettled: Bool { sender == nil || entryCount == 0 && part == nil }

    // MARK: Gathering

    /// - Parameter hour: in which it was used, in seconds.
    func add(_ entries: [UsageTable.Entry], hour: Int64) {
        rotate()
        for entry in entries {
            let key = UsageKey(
                tenant: String(decoding: entry.tenant, as: UTF8.self), issuer: String(decoding: entry.issuer, as: UTF8.self),
                limit: entry.limit)
            use.add(key.tenant, entry.hits)
            refusals.add(key.tenant, entry.refusals)
            if entry.hits > 0 { add(key, entry.hits, hour: hour) }
        }
    }

    private func add(_ key: UsageKey, _ hits: UInt64, hour: Int64) {
        if let present = sums[hour]?[key] {
            sums[hour]?[key] = present &+ hits
            return
        }
        guard key.isKept, entryCount < Self.entriesMax else {
            if hitsLost == 0 { say("quota: usage is lost: more of it waits for the store than is kept, or names are too long") }
            hitsLost &+= hits
            return
        }
        sums[hour, default: [:]][key] = hits
        entryCount += 1
    }

    /// The sketches are of the present hour and of the one before.
    private func rotate() {
        let hour = loop.wall.seconds / Self.hourSeconds
        guard hour != sketchHour else { return }
        let follows = hour == sketchHour + 1
        formerUse = follows ? use : TopSketch()
        formerRefusals = follows ? refusals : TopSketch()
        use = TopSketch()
        refusals = TopSketch()
        sketchHour = hour
    }

    /// The tenants with most hits, or most refusals.
    func top(_ count: Int, byRefusals: Bool) -> [(name: String, counter: TopSketch.Counter)] {
        rotate()
        return byRefusals ? refusals.top(count, with: formerRefusals) : use.top(count, with: formerUse)
    }

    // MARK: Keeping

    func flush() {
        guard let sender else { return forgetOld() }
        guard !isAsking, seal(), let part else { return }
        isAsking = true
        let keys = Self.keys(domain: domain, hour: part.hour)
        let command = RESPCommand()
        command.add("EVAL")
        command.add(UsageScripts.add)
        command.add("2")
        command.add(keys.day)
        command.add(keys.hour)
        command.add(process)
        command.add(decimal: part.number)
        command.add(decimal: UInt64(Self.dayRetention))
        command.add(decimal: UInt64(Self.hourRetention))
        for (key, hits) in part.sums {
            command.add(key.field)
            command.add(decimal: hits)
        }
        RedisQuestion.ask(sender, command, key: keys.day) { [weak self] result in
            guard let self else { return }
            isAsking = false
            switch result {
            case .success:
                if hasFailed { say("quota: usage is kept again") }
                hasFailed = false
                self.part = nil
                flush()
            case .failure(let failure):
                if !hasFailed, case .unavailable(let words) = failure { say("quota: usage waits for the store cause=\"\(words)\"") }
                hasFailed = true
            }
        }
    }

    /// - Returns: whether there is a part to ask for.
    private func seal() -> Bool {
        guard part == nil else { return true }
        guard let hour = sums.keys.min(), let present = sums[hour] else { return false }
        let chosen = present.prefix(Self.partMax).map { (key: $0.key, hits: $0.value) }
        for (key, _) in chosen { sums[hour]?[key] = nil }
        if sums[hour]?.isEmpty == true { sums[hour] = nil }
        entryCount -= chosen.count
        lastNumber += 1
        part = Part(hour: hour, number: lastNumber, sums: chosen)
        return true
    }

    /// Of this process's own.
    private func forgetOld() {
        let oldest = loop.wall.seconds - Self.hourRetention
        for (hour, present) in sums where hour < oldest {
            entryCount -= present.count
            sums[hour] = nil
        }
    }

    /// In one slot of a cluster: the day decides.
    static func keys(domain: String, hour second: Int64) -> (day: String, hour: String) {
        let text = TimeWords.text(second)
        let day = text.prefix(10)
        return ("\(domain):{usage-\(day)}:day", "\(domain):{usage-\(day)}:\(text.dropFirst(11).prefix(2))")
    }
}
