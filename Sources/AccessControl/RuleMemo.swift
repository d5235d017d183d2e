/// What one verified token is known to satisfy, so that a token seen again costs a bit test a rule.
///
/// Kept beside the token by the worker that owns it. Only what depends on nothing but the token is remembered, and only
/// for as long as the rules are the same. Rules beyond the capacity are evaluated each time.
package struct RuleMemo {
    static var capacity: Int32 { 128 }

    private var generation: UInt64 = 0
    private var known: (UInt64, UInt64) = (0, 0)
    private var fitting: (UInt64, UInt64) = (0, 0)

    package init() {}

    /// Whether the token fits the rule; `nil` where that is not known yet.
    @inline(__always)
    func recall(_ rule: Int32, generation: UInt64) -> Bool? {
        guard generation == self.generation, rule < Self.capacity else { return nil }
        let bit: UInt64 = 1 << UInt64(rule & 63)
        let (known, fitting) = rule < 64 ? (known.0, fitting.0) : (known.1, fitting.1)
        return known & bit == 0 ? nil : fitting & bit != 0
    }

    mutating func record(_ rule: Int32, fits: Bool, generation: UInt64) {
        if generation != self.generation {
            self = RuleMemo()
            self.generation = generation
        }
        guard rule < Self.capacity else { return }
        let bit: UInt64 = 1 << UInt64(rule & 63)
        if rule < 64 {
            known.0 |= bit
            if fits { fitting.0 |= bit }
        } else {
            known.1 |= bit
            if fits { fitting.1 |= bit }
        }
    }
}
