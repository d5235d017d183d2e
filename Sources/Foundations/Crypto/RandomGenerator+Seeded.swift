package import Random

extension RandomGenerator {
    /// With a seed of its own from OpenSSL.
    package static func seeded() -> RandomGenerator {
        RandomGenerator(seed: (RandomBytes.uint64(), RandomBytes.uint64(), RandomBytes.uint64(), RandomBytes.uint64()))
    }
}
