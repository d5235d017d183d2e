import Foundation
import Random
import Testing

@testable import JSON

@Suite("Any JSON may come")
struct FuzzTests {
    private static let seeds = [
        #"{"a":[1,-2.5e1,"x",true,false,null,{},[]],"b":{"c":"d"},"é€😀":"\u00e9\ud83d\ude00\n\\"}"#, "[[[[]]],0.5,1E+3,-0]",
        #""\"\\\/\b\f\n\r\t""#, "  { } ", #"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"BB"}]}"#,
    ].map { Array($0.utf8) }
    /// No byte order mark among them: within strings the other reader drops it.
    private static let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "1e9", "-", "0", "null", "tru", " ", "\u{0}",
    ].map { Array($0.utf8) }

    @Test("what is damaged is refused, or is JSON to another reader too", arguments: 1...6)
    func damaged(seed: UInt64) throws {
        var random = RandomGenerator(seed: seed)
        for _ in 0..<2500 {
            var bytes = Self.seeds.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...6, using: &random)))
                case 2: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random)!, at: place)
                default: bytes += bytes[..<place]
                }
            }
            guard let tree = bytes.withUnsafeBytes({ try? JSONValue.parse($0) }) else { continue }
            let other = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            #expect(Self.isSame(tree, other), "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    private static func isSame(_ tree: JSONValue, _ other: Any?) -> Bool {
        switch tree.kind {
        case .object:
            guard let other = other as? [String: Any], other.count == tree.count else { return false }
            return tree.members.allSatisfy { isSame($0.value, other[$0.name.string ?? ""]) }
        case .array:
            guard let other = other as? [Any], other.count == tree.count else { return false }
            return zip(tree.elements, other).allSatisfy { isSame($0, $1) }
        case .string: return tree.string == other as? String
        // Which numbers there are is the readers' own affair.
        case .number: return other is NSNumber
        case .boolean: return tree.boolean == other as? Bool
        case .null: return other is NSNull
        }
    }

    @Test("depth, and what it costs, is bounded")
    func depth() {
        for open in ["[", "{\"a\":", "[{\"a\":["] {
            let bytes = Array(String(repeating: open, count: 100_000).utf8)
            #expect(bytes.withUnsafeBytes { try? JSONValue.parse($0) } == nil)
        }
    }
}
