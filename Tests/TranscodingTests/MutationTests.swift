import Random
import Testing

@testable import Transcoding

/// Fixtures with mistakes in them, the same ones every time: whatever comes, the answer is a message or a failure.
@Suite("Anything may come")
struct MutationTests {
    static func mutated(_ bytes: [UInt8], _ generator: inout RandomGenerator, with pieces: [[UInt8]]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.removeSubrange(place..<min(place + Int.random(in: 1...8, using: &generator), bytes.count))
            case 2: bytes.insert(contentsOf: pieces.randomElement(using: &generator)!, at: place)
            default: bytes += bytes[..<place]
            }
        }
        return bytes
    }

    @Test("JSON with mistakes is protobuf or a failure", arguments: 1...8)
    func json(seed: UInt64) {
        var generator = RandomGenerator(seed: seed)
        let pieces = ["null", "\"", "{", "[", "}", "]", ",", "\\u", "1e99", "\"@type\":", "\u{0}", "{}", "\"a\":"].map {
            Array($0.utf8)
        }
        for fixture in jsonFixtures {
            let json = decoded(fixture.json)
            for _ in 0..<6 {
                guard let encoded = try? encode(Self.mutated(json, &generator, with: pieces), as: fixture.message) else { continue }
                do { _ = try print(encoded, as: fixture.message) } catch {
                    // Names that a mask may have in JSON, but that do not come back from the wire.
                    #expect(error.problem == "\(Problem.unprintable.text)")
                }
            }
        }
    }

    @Test("protobuf with mistakes is JSON or a failure", arguments: 1...8)
    func protobuf(seed: UInt64) throws {
        var generator = RandomGenerator(seed: seed)
        let pieces: [[UInt8]] = [[0x0A], [0xFF], [0x92, 0x01, 0], [0x0B], [0x0C], [0x80, 0x80], [0x28, 1], [0x0A, 0x7F]]
        for fixture in jsonFixtures {
            let wire = decoded(fixture.protobuf)
            for _ in 0..<6 {
                guard let json = try? print(Self.mutated(wire, &generator, with: pieces), as: fixture.message) else { continue }
                #expect(try isSame(json, json))
            }
        }
    }

    @Test("paths with mistakes find something or nothing", arguments: 1...4)
    func paths(seed: UInt64) {
        var generator = RandomGenerator(seed: seed)
        let pieces = ["/", ":", "%2F", "%", "*", "{", "?", "//"].map { Array($0.utf8) }
        for _ in 0..<500 {
            let path = Self.mutated(Array("/v1/shelves/a/books/b:burn".utf8), &generator, with: pieces)
            let text = String(decoding: path, as: UTF8.self)
            _ = try? Request(target: text, body: "{}").messages()
            _ = try? PathTemplate(text)
        }
    }
}
