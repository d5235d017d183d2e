/// xoshiro256++ (Blackman and Vigna, 2019): a nanosecond a number, for choices, jitter, identifiers and sampling. Never for secrets.
///
/// Its 256 bits of state keep the identifiers of two workers apart. The same seed gives the same numbers.
package struct RandomGenerator: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter seed: a seed of all zeros is replaced, because the generator would stay there.
    package init(seed: (UInt64, UInt64, UInt64, UInt64)) {
        let isZero = seed.0 | seed.1 | seed.2 | seed.3 == 0
        state = isZero ? (SplitMix64.increment, 1, 2, 3) : seed
    }

    /// For all that takes no identifiers from it.
    package init(seed: UInt64) {
        func word(_ index: UInt64) -> UInt64 { SplitMix64.mix(seed &+ index &* SplitMix64.increment) }
        self.init(seed: (word(1), word(2), word(3), word(4)))
    }

    package mutating func next() -> UInt64 {
        let sum = state.0 &+ state.3
        let result = (sum << 23 | sum >> 41) &+ state.0
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }

    /// Below `bound`, which is positive (Lemire's multiplication; its bias is below 2⁻³² for bounds met here).
    package mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// From 0 up to 1, without 1.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
