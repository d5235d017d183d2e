internal import Bytes

/// What one verified token is known to satisfy, so that a token seen again costs a bit test a rule.
///
/// Kept beside the token by the worker that owns it. Only what depends on nothing but the token is remembered, and only
/// for as long as the rules are the same. Rules beyond the capacity are evaluated each time.
package struct RuleMemo {
    static var capacity: Int32 { 128 }

    fileprivate var generation: UInt64 = 0
    fileprivate var known: (UInt64, UInt64) = (0, 0)
    fileprivate var fitting: (UInt64, UInt64) = (0, 0)

    package init() {}
}

extension Record where Value == RuleMemo {
    /// Whether the token fits the rule; `nil` where that is not known yet.
    @inline(__always)
    func recall(_ rule: Int32, generation: UInt64) -> Bool? {
        guard generation == self.generation, rule < RuleMemo.capacity else { return nil }
        let bit: UInt64 = 1 << UInt64(rule & 63)
        let (known, fitting) = rule < 64 ? (self.known.0, self.fitting.0) : (self.known.1, self.fitting.1)
        return known & bit == 0 ? nil : fitting & bit != 0
    }

    func record(_ rule: Int32, fits: Bool, generation: UInt64) {
        if generation != self.generation {
            self.known = (0, 0)
            self.fitting = (0, 0)
            self.generation = generation
        }
        guard rule < RuleMemo.capacity else { return }
        let bit: UInt64 = 1 << UInt64(rule & 63)
        if rule < 64 {
            self.known.0 |= bit
            if fits { self.fitting.0 |= bit }
        } else {
            self.known.1 |= bit
            if fits { self.fitting.1 |= bit }
        }
    }
}
