/// xoshiro256++: a nanosecond a number, for identifiers and sampling, never for secrets.
///
/// A worker has its own, seeded from the system's randomness by its owner, so identifiers of two workers do not collide.
package struct FastRandom {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter seed: a seed of all zeros is replaced, because the generator would stay there.
    package init(seed: (UInt64, UInt64, UInt64, UInt64)) {
        let isZero = seed.0 | seed.1 | seed.2 | seed.3 == 0
        state = isZero ? (0x9E37_79B9_7F4A_7C15, 1, 2, 3) : seed
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
}
