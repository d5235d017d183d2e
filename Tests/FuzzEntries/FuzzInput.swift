package import Random

/// One input of a fuzz entry, given out number by number: first the extremes, in every combination of two, then random ones.
package struct FuzzInput {
    /// Which of the entry's inputs this is.
    package let index: Int
    private var extremesLeft: Int
    private let isExtreme: Bool
    package var random: RandomGenerator

    package init(index: Int, seed: UInt64) {
        self.index = index
        isExtreme = index < Self.texts.count * Self.texts.count
        extremesLeft = index
        random = RandomGenerator(seed: seed &+ UInt64(index))
    }

    package static let texts: [String] = [
        "0", "1", "-1", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9007199254740991",
        "9007199254740992", "9007199254740993", "9223372036854775", "9223372036854776", "18446744073", "18446744074",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "1e308", "-1e308", "1e309", "1e-308", "1.5", "NaN", "Infinity",
        "9999999999999999999999999999999999999999", "-9999999999999999999999999999999999999999",
        "0000000000000000000000000000000000000007", "", "-", "+1", "1_0", "7fffffffffffffff",
    ]

    package static let numbers: [UInt64] = [
        0, 1, .max, 2, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000,
        0xFFFF_FFFF_8000_0000, 1 << 53 - 1, 1 << 53, 1 << 53 + 1, 315_576_000_000, 315_576_000_001, 9_223_372_036, 9_223_372_037,
        18_446_744_073, 18_446_744_074, 9_223_372_036_854_775, 9_223_372_036_854_776, 1 << 62, 1 << 63 - 1, 1 << 63, .max - 1,
        0x7FEF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 999_999_999, 1_000_000_000,
    ]

    private mutating func take<Value>(_ list: [Value]) -> Value {
        defer { extremesLeft /= list.count }
        return list[extremesLeft % list.count]
    }

    /// A number as text; often none at all.
    package mutating func text() -> String {
        if isExtreme { return take(Self.texts) }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return Self.texts.randomElement(using: &random)!
        case 1: return "\(number())"
        case 2:
            return (Bool.random(using: &random) ? "-" : "")
                + "\(number()).\(number())e\(Int.random(in: -400...400, using: &random))"
        default:
            return String((0..<Int.random(in: 0...45, using: &random)).map { _ in "0123456789".randomElement(using: &random)! })
        }
    }

    /// The bits of a number of any width.
    package mutating func number() -> UInt64 {
        if isExtreme { return take(Self.numbers) }
        if Int.random(in: 0..<4, using: &random) == 0 { return Self.numbers.randomElement(using: &random)! }
        return random.next() >> UInt64.random(in: 0...63, using: &random)
    }

    /// A few bytes changed, removed or put in.
    package mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes[place] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...4, using: &random)))
            default: bytes.insert(contentsOf: [0xFF, 0x80, 0x7F].prefix(Int.random(in: 1...3, using: &random)), at: place)
            }
        }
        return bytes
    }
}

/// What a fuzz entry hands bytes by.
func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withBytes(Array(text.utf8), body)
}

func withBytes<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try bytes.withUnsafeBytes(body)
}
