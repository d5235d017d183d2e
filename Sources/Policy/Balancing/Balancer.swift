internal import Bytes
internal import Random
package import Time

/// Which endpoint takes the next call. One per worker and cluster; pure but for its own state.
///
/// A priority is chosen by what each can carry, then an endpoint in it by the policy. Endpoints that failed a moment ago or
/// whose breaker is open are passed over as long as any other is there, of whatever priority; where none is, those that failed
/// are tried all the same, and those whose breaker is open are not.
package struct Balancer: ~Copyable {
    private let settings: BalancingSettings
    private var random: RandomGenerator
    private var levels: [Level] = []
    /// `levels`, for choosing one without counting references.
    private var references: [Unmanaged<Level>] = []
    /// Of a hundred calls, up to and with each priority; empty where all go to one.
    private var shares: [Int] = []
    private var only = 0
    private var isFirst = true

    /// - Parameter seed: differs by worker, so that workers do not march in step.
    package init(_ settings: BalancingSettings, seed: UInt64) {
        self.settings = settings
        random = RandomGenerator(seed: seed)
    }

    /// Some priority has so few healthy members that its health is not believed.
    package var isPanicking: Bool { levels.contains { $0.isPanicking } }

    /// Some member is healthy, and not ejected.
    package private(set) var hasHealthyMember = false

    /// Others from now on. They stay in place until others are set.
    package mutating func setMembers(_ members: [MemberPointer], now: Instant) {
        let priorities = Set(members.map { $0.pointee.priority }).sorted()
        levels = priorities.map { priority in
            Level(members.filter { $0.pointee.priority == priority }, settings, random: &random)
        }
        references = levels.map { .passUnretained($0) }
        // Where all are new, none has to catch up with the others.
        if isFirst { for member in members { member.pointee.isWarm = true } }
        isFirst = isFirst && members.isEmpty
        refresh(now: now)
    }

    /// Takes the health and priorities of its members as they are now.
    package mutating func refresh(now: Instant) {
        let found = levels.map(\.load)
        hasHealthyMember = found.contains { $0.healthy > 0 }
        let loads = PriorityLoads(found, settings)
        for (level, panics) in zip(levels, loads.panics) { level.refresh(panics: panics, now: now, random: &random) }
        only = loads.percents.firstIndex { $0 > 0 } ?? 0
        shares = []
        guard loads.percents.contains(where: { $0 > 0 && $0 < 100 }) else { return }
        var sum = 0
        shares = loads.percents.map { percent in
            sum += percent
            return sum
        }
    }

    /// - Parameters:
    ///   - hash: what calls of one caller have in common; `nil` for nothing.
    ///   - avoided: where an attempt has failed, or runs already.
    package mutating func pick(hash: UInt64? = nil, avoiding avoided: MemberPointer? = nil, now: Instant) -> Pick {
        guard !references.isEmpty else { return .noneHealthy }
        let chosen = shares.isEmpty ? only : share(hash)
        if let member = pick(in: chosen, hash, avoided, now), Self.admit(member, now) { return .member(member) }
        return elsewhere(than: chosen, hash, avoided, now)
    }

    @inline(__always)
    private mutating func pick(in index: Int, _ hash: UInt64?, _ avoided: MemberPointer?, _ now: Instant) -> MemberPointer? {
        let level = references[index]
        return level._withUnsafeGuaranteedRef { $0.pick(hash, avoiding: avoided, now: now, random: &random) }
    }

    /// False where another worker has just taken the last probe of its breaker.
    @inline(__always)
    private static func admit(_ member: MemberPointer, _ now: Instant) -> Bool {
        member.breaker.map { $0 { $0.admit(at: now) } } ?? true
    }

    private mutating func share(_ hash: UInt64?) -> Int {
        // Not the bits that choose the endpoint.
        let point = hash.map { Int(SplitMix64.mix($0) % 100) } ?? random.below(100)
        return shares.firstIndex { point < $0 } ?? only
    }

    private mutating func elsewhere(
        than chosen: Int, _ hash: UInt64?, _ avoided: MemberPointer?, _ now: Instant
    ) -> Pick {
        for index in levels.indices where index != chosen {
            if let member = pick(in: index, hash, avoided, now), Self.admit(member, now) { return .member(member) }
        }
        for index in [chosen] + levels.indices.filter({ $0 != chosen }) {
            if let member = levels[index].pickAnyway(avoiding: avoided, now: now, random: &random), Self.admit(member, now) {
                return .member(member)
            }
        }
        return levels.compactMap { $0.blockedFor(now) }.min().map { .blocked($0) } ?? .noneHealthy
    }
}
