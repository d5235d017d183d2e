import HTTPModel
import Random
import Testing

@testable import HTTP1

@Suite struct FuzzTests {
    /// Changes a few bytes of a known message, mostly to those that mean something.
    private func mutate(_ bytes: [UInt8], _ random: inout RandomGenerator) -> [UInt8] {
        var bytes = bytes
        let telling: [UInt8] = [0, 9, 10, 13, 32, 44, 48, 49, 58, 59, 65, 97, 127, 255]
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let byte =
                Bool.random(using: &random)
                ? telling.randomElement(using: &random)! : UInt8.random(in: 0...255, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = byte
            case 1: bytes.insert(byte, at: place)
            case 2: bytes.remove(at: place)
            default:
                let end = min(bytes.count, place + Int.random(in: 1...8, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
        return bytes
    }

    private var limits: HTTP1Limits {
        var limits = HTTP1Limits()
        limits.startLineBytesMax = 64
        limits.fieldBytesMax = 256
        limits.fieldsMax = 5
        limits.chunkExtensionBytesMax = 16
        return limits
    }

    @Test("a damaged request reads the same in one piece, in bytes and in random pieces")
    func requests() {
        var random = RandomGenerator(seed: 9112)
        let seeds = (RequestReaderTests.good + RequestReaderTests.bad).map { wire($0.text) }
        for _ in 0..<4000 {
            let bytes = mutate(seeds.randomElement(using: &random)!, &random)
            let whole = Transcript.requests(bytes, pieces: [bytes.count + 1], limits: limits)
            let cuts = (0..<8).map { _ in Int.random(in: 1...9, using: &random) }
            #expect(Transcript.requests(bytes, pieces: [1], limits: limits) == whole, "\(bytes)")
            #expect(Transcript.requests(bytes, pieces: cuts, limits: limits) == whole, "\(bytes) \(cuts)")
        }
    }

    @Test("a damaged response reads the same in one piece, in bytes and in random pieces")
    func responses() {
        var random = RandomGenerator(seed: 9110)
        for _ in 0..<4000 {
            let seed = ResponseReaderTests.cases.randomElement(using: &random)!
            let bytes = mutate(wire(seed.text), &random)
            let whole = Transcript.responses(bytes, to: seed.methods, pieces: [bytes.count + 1], limits: limits)
            let cuts = (0..<8).map { _ in Int.random(in: 1...9, using: &random) }
            #expect(Transcript.responses(bytes, to: seed.methods, pieces: [1], limits: limits) == whole, "\(bytes)")
            #expect(Transcript.responses(bytes, to: seed.methods, pieces: cuts, limits: limits) == whole, "\(bytes)")
        }
    }
}
