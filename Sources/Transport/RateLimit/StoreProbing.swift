package import Time

/// The probes of a store outside this process: commands on keys of their own, one at a time, until the store has decided, and whenever
/// it is in trouble. Pure: time is an argument.
package struct StoreProbing {
    /// The store has decided, a call or a probe.
    package private(set) var hasDecided = false
    private var isUnderWay = false
    /// How many have begun.
    private var number: UInt64 = 0
    /// In a cluster each probe is of another slot: its server may be silent while others answer.
    package var place: UInt64 { number % 16 }

    package init() {}

    package func isNeeded(_ health: StoreHealth) -> Bool { health.trouble != nil || !hasDecided }

    /// Whether to begin one now.
    package func isDue(_ health: inout StoreHealth, now: Instant) -> Bool {
        health.isSkipping ? health.admit(now: now) == .probe : !isUnderWay
    }

    package mutating func begin() {
        isUnderWay = true
        number += 1
    }

    package mutating func ended() { isUnderWay = false }

    package mutating func decided() { hasDecided = true }

    /// It was not answered, or could not be sent.
    ///
    /// - Returns: whether its trouble is news: at the first probe the store's name may not be known yet.
    package mutating func failed(_ trouble: StoreTrouble) -> Bool {
        isUnderWay = false
        return trouble.code != nil || number > 1
    }
}
