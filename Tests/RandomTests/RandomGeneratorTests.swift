import Testing

@testable import Random

@Suite struct RandomGeneratorTests {
    @Test("xoshiro256++ gives the reference's numbers")
    func reference() {
        var random = RandomGenerator(seed: (1, 2, 3, 4))
        #expect([random.next(), random.next(), random.next()] == [41_943_041, 58_720_359, 3_588_806_011_781_223])
    }

    @Test("a seed of zeros still gives numbers")
    func zeros() {
        var random = RandomGenerator(seed: (0, 0, 0, 0))
        #expect(Set((0..<1000).map { _ in random.next() }).count == 1000)
    }

    @Test("one word of seed repeats its numbers, and another word gives others")
    func seed() {
        func numbers(_ seed: UInt64) -> [UInt64] {
            var random = RandomGenerator(seed: seed)
            return (0..<100).map { _ in random.next() }
        }
        #expect(numbers(0) == numbers(0))
        #expect(Set(numbers(0)).union(numbers(1)).count == 200)
    }

    @Test("choices are below their bound, and fractions below one")
    func ranges() {
        var random = RandomGenerator(seed: 1)
        var seen = Set<Int>()
        for _ in 0..<1000 {
            seen.insert(random.below(7))
            #expect(0 <= random.unit() && random.unit() < 1)
        }
        #expect(seen == Set(0..<7) && random.below(1) == 0)
    }

    @Test("SplitMix64 mixes as the reference does")
    func mix() {
        // The first numbers of the reference from the seed 1234567.
        let numbers = (1...3).map { SplitMix64.mix(1_234_567 &+ UInt64($0) &* SplitMix64.increment) }
        #expect(numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }
}
