import Random
import Testing

@testable import Compression

@Suite("Reading gzip")
struct InflaterTests {
    /// As Python's gzip writes it.
    static let foreign: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 77, 44, 42, 201, 73, 45, 209, 81, 200, 69, 99, 0, 0, 88, 177, 101, 175, 25, 0, 0, 0,
    ]
    static let text = Array("martlet, martlet, martlet".utf8)

    @Test("what another program wrote is read", arguments: [1, 2, 7, Int.max], [1, 3, 4096])
    func foreignBytes(pieces: Int, room: Int) throws {
        #expect(try gunzip(Self.foreign, pieces: pieces, room: room) == Self.text)
    }

    @Test("members behind each other are one text, empty ones too", arguments: [1, 5, Int.max])
    func members(pieces: Int) throws {
        let bytes = Self.foreign + gzip([]) + gzip([Array("!".utf8)])
        #expect(try gunzip(bytes, pieces: pieces) == Self.text + Array("!".utf8))
    }

    @Test("what ends too early is not at its end, wherever it is cut")
    func cut() throws {
        for count in 1..<Self.foreign.count { #expect(try gunzip(Array(Self.foreign[..<count])) == nil) }
    }

    @Test("another checksum, another length, and what is no gzip are malformed")
    func malformed() {
        for place in [24, 28] {
            var bytes = Self.foreign
            bytes[place] ^= 1
            #expect(throws: InflateFailure.malformed) { try gunzip(bytes) }
        }
        #expect(throws: InflateFailure.malformed) { try gunzip(Array("plain text".utf8)) }
        #expect(throws: InflateFailure.malformed) { try gunzip(Self.foreign + [0, 0]) }
    }

    @Test("one byte more than may come out is refused, and no more than that was written", arguments: [1, 100, Int.max])
    func bytesMax(pieces: Int) throws {
        let bytes = gzip([[UInt8](repeating: 7, count: 5000)])
        #expect(try gunzip(bytes, InflateLimits(outputBytesMax: 5000), pieces: pieces)?.count == 5000)
        #expect(throws: InflateFailure.tooLarge(bytesMax: 4999)) {
            try gunzip(bytes, InflateLimits(outputBytesMax: 4999), pieces: pieces)
        }
    }

    @Test("a bomb is refused by its ratio long before the bytes are many")
    func ratio() throws {
        let bomb = gzip([[UInt8](repeating: 0, count: 8 << 20)])
        let limits = InflateLimits(outputBytesMax: .max, ratioMax: 100, freeBytes: 4096)
        #expect(throws: InflateFailure.tooDense(ratioMax: 100)) { try gunzip(bomb, limits, pieces: 100) }
        #expect(try gunzip(bomb, InflateLimits(outputBytesMax: 8 << 20, freeBytes: 8 << 20))?.count == 8 << 20)
        var random = RandomGenerator(seed: 3)
        let noise = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(try gunzip(gzip([noise]), InflateLimits(outputBytesMax: .max, ratioMax: 2, freeBytes: 1)) == noise)
    }

    @Test("after a failure, a reset makes it as new")
    func reset() throws {
        var inflater = Inflater(InflateLimits(outputBytesMax: 1 << 20))
        #expect(throws: InflateFailure.malformed) { try gunzip([1, 2, 3], with: &inflater) }
        inflater.reset(InflateLimits(outputBytesMax: 25))
        #expect(try gunzip(Self.foreign, with: &inflater) == Self.text)
        inflater.reset(InflateLimits(outputBytesMax: 24))
        #expect(throws: InflateFailure.tooLarge(bytesMax: 24)) { try gunzip(Self.foreign, with: &inflater) }
    }

    @Test("damaged bytes end or fail, within the limits, the same however they are cut")
    func fuzz() {
        var random = RandomGenerator(seed: 1952)
        let seeds = [
            Self.foreign, gzip([Self.text, Self.text], flush: .now), gzip([(0..<3000).map { UInt8(truncatingIfNeeded: $0 / 7) }]),
        ]
        let limits = InflateLimits(outputBytesMax: 4000, ratioMax: 50, freeBytes: 1000)
        for _ in 0..<6000 {
            var bytes = seeds.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(.random(in: 0...255, using: &random), at: place)
                }
            }
            let whole = Result { () throws(InflateFailure) in try gunzip(bytes, limits) }
            let pieces = Result { () throws(InflateFailure) in try gunzip(bytes, limits, pieces: 1, room: 64) }
            switch (whole, pieces) {
            case (.success(let one), .success(let other)):
                #expect(one == other)
                #expect((one?.count ?? 0) <= limits.outputBytesMax)
            // Which of two things that are wrong is met first depends on how far it looks.
            case (.failure, .failure), (.success, .failure(.tooLarge)), (.success, .failure(.tooDense)): break
            default: Issue.record("\(bytes): \(whole) but \(pieces)")
            }
        }
    }
}
