internal import Bytes
internal import Random
internal import Time

/// The endpoints of one priority, and whose turn it is among them.
final class Level {
    private let policy: BalancingPolicy
    private let slowStart: SlowStart?
    /// All of them, in the order that ring and table know.
    private let members: UnsafeMutableBufferPointer<MemberPointer>
    /// Those that get calls; the first `count`.
    private let candidates: UnsafeMutableBufferPointer<MemberPointer>
    private(set) var count = 0
    private(set) var isPanicking = false
    /// Their weights added up, from the first on; empty where all are equal.
    private let sums: UnsafeMutableBufferPointer<UInt64>
    private var isWeighted = false
    private let ring: HashRing
    private let table: MaglevTable
    private var turns: TurnQueue
    private var next: Int

    init(_ list: [MemberPointer], _ settings: BalancingSettings, random: inout RandomGenerator) {
        policy = settings.policy
        slowStart = settings.slowStart
        members = .allocate(capacity: list.count)
        _ = members.initialize(from: list)
        candidates = .allocate(capacity: list.count)
        sums = .allocate(capacity: list.count)
        sums.initialize(repeating: 0)
        next = Int(truncatingIfNeeded: random.next() >> 33)
        let keys = list.map { (key: $0.pointee.key, weight: $0.pointee.weight) }
        switch policy {
        case .ringHash(let entriesMin, let entriesMax):
            ring = HashRing(keys, entriesMin: entriesMin, entriesMax: entriesMax)
            table = MaglevTable([], size: 0)
        case .maglev(let size):
            ring = HashRing([], entriesMin: 0, entriesMax: 0)
            table = MaglevTable(keys, size: size)
        case .roundRobin, .leastRequest, .random:
            ring = HashRing([], entriesMin: 0, entriesMax: 0)
            table = MaglevTable([], size: 0)
        }
        turns = TurnQueue(UnsafeMutableBufferPointer(rebasing: candidates[..<0]), &random)
    }

    deinit {
        members.deallocate()
        candidates.deallocate()
        sums.deallocate()
    }

    var load: PriorityLoads.Level {
        PriorityLoads.Level(members: members.count, healthy: members.count { $0.pointee.isHealthy })
    }

    /// Takes the health of its members as it is now.
    func refresh(panics: Bool, now: Instant, random: inout RandomGenerator) {
        isPanicking = panics
        count = 0
        isWeighted = false
        var sum: UInt64 = 0
        for member in members {
            if !member.pointee.isHealthy {
                member.pointee.isWarm = false
            } else if !member.pointee.isWarm {
                member.pointee.isWarm = true
                member.pointee.cameUp = slowStart == nil ? Instant(nanoseconds: 0) : now
            }
            member.pointee.isCandidate = panics || member.pointee.isHealthy
            guard member.pointee.isCandidate else { continue }
            (candidates.baseAddress! + count).initialize(to: member)
            sum += UInt64(member.pointee.weight)
            sums[count] = sum
            count += 1
            if member.pointee.weight != candidates[0].pointee.weight { isWeighted = true }
        }
        let chosen = UnsafeMutableBufferPointer(rebasing: candidates[..<count])
        let takesTurns = policy == .roundRobin && (isWeighted || slowStart != nil)
        turns = TurnQueue(takesTurns ? chosen : UnsafeMutableBufferPointer(rebasing: candidates[..<0]), &random)
    }

    /// One that nothing speaks against; `nil` where there is none.
    func pick(_ hash: UInt64?, avoiding avoided: MemberPointer?, now: Instant, random: inout RandomGenerator) -> MemberPointer? {
        guard count > 1 else {
            guard count == 1, fits(candidates[0], avoided, now) else { return nil }
            return candidates[0]
        }
        switch policy {
        case .leastRequest: return leastLoadedOfTwo(avoided, now, &random)
        case .roundRobin: return nextInTurn(avoided, now)
        case .random: return randomPick(avoided, now, &random)
        case .ringHash:
            guard let hash else { return randomPick(avoided, now, &random) }
            return ringPick(hash, avoided, now)
        case .maglev:
            guard let hash else { return randomPick(avoided, now, &random) }
            return inTable(hash, avoided, now)
        }
    }

    /// One that at least its breaker admits, rather not `avoided`.
    func pickAnyway(avoiding avoided: MemberPointer?, now: Instant, random: inout RandomGenerator) -> MemberPointer? {
        guard count > 0 else { return nil }
        var index = random.below(count)
        var other: MemberPointer?
        for _ in 0..<count {
            let member = candidates[index]
            index = index + 1 == count ? 0 : index + 1
            guard member.pointee.isAdmitted(at: now) else { continue }
            if member != avoided { return member }
            other = member
        }
        return other
    }

    /// The shortest time until a breaker admits a call.
    func blockedFor(_ now: Instant) -> Duration? {
        (0..<count).compactMap { candidates[$0].breaker.flatMap { $0 { $0.opensIn(now) } } }.min()
    }

    @inline(__always)
    private func fits(_ member: MemberPointer, _ avoided: MemberPointer?, _ now: Instant) -> Bool {
        member != avoided && member.pointee.isUsable(at: now)
    }

    // MARK: The policies

    private func leastLoadedOfTwo(_ avoided: MemberPointer?, _ now: Instant, _ random: inout RandomGenerator) -> MemberPointer? {
        let first: MemberPointer
        var second: MemberPointer
        if isWeighted || slowStart != nil {
            first = draw(now, &random)
            second = draw(now, &random)
            if second == first { second = draw(now, &random) }
            if second == first { second = draw(now, &random) }
        } else {
            let index = random.below(count)
            var other = random.below(count - 1)
            if other >= index { other += 1 }
            first = candidates[index]
            second = candidates[other]
        }
        let firstFits = fits(first, avoided, now)
        let secondFits = fits(second, avoided, now)
        if firstFits, secondFits { return isLighter(second, than: first, now) ? second : first }
        if firstFits { return first }
        if secondFits { return second }
        return walk(from: random.below(count), avoided, now)
    }

    @inline(__always)
    private func isLighter(_ left: MemberPointer, than right: MemberPointer, _ now: Instant) -> Bool {
        guard isWeighted || slowStart != nil else { return left.pointee.load < right.pointee.load }
        return Double(left.pointee.load) * weight(of: right, now) < Double(right.pointee.load) * weight(of: left, now)
    }

    private func nextInTurn(_ avoided: MemberPointer?, _ now: Instant) -> MemberPointer? {
        guard isWeighted || slowStart != nil else {
            next = next &+ 1
            if next >= count || next < 0 { next = next == count ? 0 : Int(UInt(bitPattern: next) % UInt(count)) }
            guard let found = walk(from: next, avoided, now) else { return nil }
            // A member that was passed over has had its turn.
            while candidates[next] != found { next = next + 1 == count ? 0 : next + 1 }
            return found
        }
        for _ in 0..<4 * count {
            let member = turns.next { factor(of: $0, now) }
            if fits(member, avoided, now) { return member }
        }
        return walk(from: 0, avoided, now)
    }

    private func randomPick(_ avoided: MemberPointer?, _ now: Instant, _ random: inout RandomGenerator) -> MemberPointer? {
        for _ in 0..<4 {
            let member = draw(now, &random)
            if fits(member, avoided, now) { return member }
        }
        return walk(from: random.below(count), avoided, now)
    }

    private func ringPick(_ hash: UInt64, _ avoided: MemberPointer?, _ now: Instant) -> MemberPointer? {
        var place = ring.place(of: hash)
        for _ in 0..<ring.count {
            let member = members[ring.member(at: place)]
            if member.pointee.isCandidate, fits(member, avoided, now) { return member }
            place = ring.after(place)
        }
        return nil
    }

    private func inTable(_ hash: UInt64, _ avoided: MemberPointer?, _ now: Instant) -> MemberPointer? {
        var hash = hash
        // Only the calls of those that are unfit for a while look elsewhere, each in its own places.
        for _ in 0..<16 {
            let member = members[table.member(of: hash)]
            if member.pointee.isCandidate, fits(member, avoided, now) { return member }
            hash = SplitMix64.mix(hash &+ SplitMix64.increment)
        }
        return walk(from: Int(hash % UInt64(count)), avoided, now)
    }

    private func walk(from start: Int, _ avoided: MemberPointer?, _ now: Instant) -> MemberPointer? {
        var index = start
        for _ in 0..<count {
            if fits(candidates[index], avoided, now) { return candidates[index] }
            index = index + 1 == count ? 0 : index + 1
        }
        return nil
    }

    // MARK: Weights

    /// One at random, by weight.
    private func draw(_ now: Instant, _ random: inout RandomGenerator) -> MemberPointer {
        var member = drawWhole(&random)
        guard slowStart != nil else { return member }
        // Who is still warming up declines as often as its share is smaller.
        for _ in 0..<16 {
            if random.unit() < factor(of: member, now) { break }
            member = drawWhole(&random)
        }
        return member
    }

    @inline(__always)
    private func drawWhole(_ random: inout RandomGenerator) -> MemberPointer {
        guard isWeighted else { return candidates[random.below(count)] }
        let point = UInt64(random.below(Int(sums[count - 1])))
        var low = 0
        var high = count - 1
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] <= point { low = middle + 1 } else { high = middle }
        }
        return candidates[low]
    }

    @inline(__always)
    private func weight(of member: MemberPointer, _ now: Instant) -> Double {
        Double(member.pointee.weight) * factor(of: member, now)
    }

    @inline(__always)
    private func factor(of member: MemberPointer, _ now: Instant) -> Double {
        guard member.pointee.cameUp.nanoseconds != 0, let slowStart else { return 1 }
        let factor = slowStart.factor(since: member.pointee.cameUp, now: now)
        if factor >= 1 { member.pointee.cameUp = Instant(nanoseconds: 0) }
        return factor
    }
}
