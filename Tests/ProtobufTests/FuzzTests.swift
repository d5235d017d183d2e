import Random
import Testing

@testable import Protobuf

@Suite("Any protobuf may come")
struct FuzzTests {
    private func damaged(_ bytes: [UInt8], _ random: inout RandomGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes[place] = bytes[place] &+ 1
            case 2: bytes.remove(at: place)
            default: bytes.insert([0, 0x0A, 0x0B, 0x0C, 0x7F, 0x80, 0xFF].randomElement(using: &random)!, at: place)
            }
        }
        return bytes
    }

    @Test("walking over any bytes ends, and within them", arguments: 1...4)
    func walks(seed: UInt64) {
        var random = RandomGenerator(seed: seed)
        for _ in 0..<4000 {
            let bytes =
                Bool.random(using: &random)
                ? damaged(SchemaTests.orders, &random)
                : (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let steps = try? WireCursorTests.read(bytes) { (cursor) throws(WireFailure) in
                var steps = 0
                while !cursor.isAtEnd {
                    try cursor.skip(cursor.tag())
                    steps += 1
                    #expect(cursor.count >= 0)
                }
                return steps
            }
            #expect(steps ?? 0 <= bytes.count)
        }
    }

    @Test("damaged descriptors are a schema, or problems that are named", arguments: 1...4)
    func descriptors(seed: UInt64) {
        var random = RandomGenerator(seed: seed)
        for _ in 0..<2000 {
            do {
                let schema = try Schema(files: [damaged(SchemaTests.orders, &random)])
                for method in schema.methods { #expect(method.path.hasPrefix("/")) }
            } catch {
                #expect(!error.problems.isEmpty && error.problems.allSatisfy { !$0.isEmpty })
            }
        }
    }
}
