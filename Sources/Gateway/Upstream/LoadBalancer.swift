/// Which endpoint takes the next request. One per worker and cluster; pure but for its own state.
package struct LoadBalancer {
    package enum Policy: Sendable, Equatable {
        /// Each in turn.
        case roundRobin
        /// The less loaded of two drawn at random (power of two choices).
        case leastRequest
    }

    private let policy: Policy
    private var next: Int
    private var random: Randomness

    /// - Parameter seed: differs by worker, so that workers do not march in step.
    package init(_ policy: Policy, seed: UInt64) {
        self.policy = policy
        random = Randomness(seed: seed)
        next = Int(truncatingIfNeeded: seed >> 33)
    }

    /// An index below `count`, or `nil` where `count` is zero. Endpoints that `isUsable` refuses are passed over as long
    /// as any other is there; where none is, the choice is made among all of them.
    ///
    /// - Parameters:
    ///   - load: requests in flight there.
    ///   - avoid: the endpoint that a former attempt failed on.
    package mutating func pick(
        count: Int, avoid: Int? = nil, isUsable: (Int) -> Bool, load: (Int) -> Int
    ) -> Int? {
        guard count > 1 else { return count == 1 ? 0 : nil }
        switch policy {
        case .roundRobin:
            return walk(count, avoid, isUsable)
        case .leastRequest:
            let first = random.below(count)
            var second = random.below(count - 1)
            if second >= first { second += 1 }
            let firstFits = isUsable(first) && first != avoid
            let secondFits = isUsable(second) && second != avoid
            if firstFits, secondFits { return load(second) < load(first) ? second : first }
            if firstFits { return first }
            if secondFits { return second }
            return walk(count, avoid, isUsable)
        }
    }

    private mutating func walk(_ count: Int, _ avoid: Int?, _ isUsable: (Int) -> Bool) -> Int {
        for _ in 0..<count {
            let index = advance(count)
            if index != avoid, isUsable(index) { return index }
        }
        let index = advance(count)
        return index == avoid ? advance(count) : index
    }

    private mutating func advance(_ count: Int) -> Int {
        next = next &+ 1
        if next >= count { next = next < 0 || next > count ? Int(UInt(bitPattern: next) % UInt(count)) : 0 }
        return next
    }
}

/// Numbers that are random enough for choices, from a seed: SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets.
package struct Randomness {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is positive (Lemire's multiplication; its bias is below 2⁻³² for bounds met here).
    package mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
