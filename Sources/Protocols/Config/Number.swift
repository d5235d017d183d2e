internal import Bytes

/// Whole numbers as people write them.
package enum Number {
    /// Decimal digits, `_` between digits, no sign; `nil` for anything else and beyond Int.
    package static func count(_ text: some StringProtocol) -> Int? {
        var value = Untrusted<Int>(0)
        var previous: UInt8?
        for byte in text.utf8 {
            if byte == UInt8(ascii: "_") {
                guard let last = previous, Letters.isDigit(last) else { return nil }
            } else {
                guard Letters.isDigit(byte) else { return nil }
                value = value.appending(digit: byte &- UInt8(ascii: "0"), radix: 10)
            }
            previous = byte
        }
        guard let last = previous, Letters.isDigit(last) else { return nil }
        return value.exactly(in: 0 ... .max)
    }
}

/// Sizes in bytes: a whole number and `B`, `KiB`, `MiB` or `GiB`. Powers of 1024 only, so that there is no guessing.
package enum ByteSize {
    private static let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)]

    package static func read(_ text: String) -> Int? {
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let count = Number.count(text.dropLast(unit.count)) else { return nil }
            return Untrusted<Int>(count).scaled(by: factor).exactly(in: 0 ... .max)
        }
        return nil
    }

    /// As short as it can be written.
    package static func text(_ bytes: Int) -> String {
        for (unit, factor) in units where bytes >= factor && bytes % factor == 0 { return "\(bytes / factor)\(unit)" }
        return "\(bytes)B"
    }
}

/// Durations: whole numbers with `d`, `h`, `m`, `s` or `ms`, each unit at most once and the larger before the smaller.
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    package static func read(_ text: String) -> Duration? {
        var rest = text.utf8[...]
        var total = Untrusted<Int64>(0)
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { Letters.isDigit($0) || $0 == UInt8(ascii: "_") }
            rest = rest[digits.endIndex...]
            let letters = rest.prefix { !Letters.isDigit($0) }
            rest = rest[letters.endIndex...]
            guard let count = Number.count(Substring(digits)),
                let unit = units.first(where: { $0.name == String(Substring(letters)) }), unit.milliseconds < smallest
            else { return nil }
            smallest = unit.milliseconds
            total = total.addingSaturating(Untrusted<Int64>(count).scaled(by: unit.milliseconds))
        }
        return text.isEmpty ? nil : total.exactly(in: 0 ... .max).map { .milliseconds($0) }
    }

    /// As short as it can be written; parts below a millisecond are cut off.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        var rest = Untrusted<Int64>(seconds).scaled(by: 1000).addingSaturating(attoseconds / 1_000_000_000_000_000).clamped(
            to: 0 ... .max)
        guard rest > 0 else { return "0s" }
        var result = ""
        for unit in units where rest >= unit.milliseconds {
            result += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return result
    }
}
