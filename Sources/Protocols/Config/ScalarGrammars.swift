extension Grammar where Value == String {
    /// Any text but the empty one.
    package static var text: Grammar { text("text") }

    package static func text(_ expected: String) -> Grammar {
        Grammar(expected: expected) { (text: String) in text.isEmpty ? .mismatch : .value(text) }
    }

    /// A file's path. It is checked when the file is opened.
    package static func path(_ what: String) -> Grammar {
        Grammar(expected: "the path of \(what)") { (text: String) in
            text.isEmpty || text.utf8.contains(0) ? .mismatch : .value(text)
        }
    }

    /// A name of the user's own: what logs and metrics show, so letters, digits, `_`, `-` and `.` only.
    package static var name: Grammar {
        Grammar(expected: "a name of letters, digits, _, - and .") { (text: String) in
            Reading(NameText.isName(text) ? text : nil)
        }
    }
}

extension Reader {
    /// Reports a key of the user's own that could not be shown in logs and metrics.
    package func checkName(_ name: Located<String>) {
        guard !NameText.isName(name.value) else { return }
        report("found \(Quoted.text(name.value)), expected \(Grammar<String>.name.expected)", at: name.place)
    }
}

extension Grammar where Value == Bool {
    /// `true` or `false` and no other spelling.
    package static var boolean: Grammar {
        Grammar(expected: "true or false") { (text: String) in
            switch text {
            case "true": .value(true)
            case "false": .value(false)
            default: .mismatch
            }
        }
    }
}

extension Grammar where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the words of a closed set.
    package static var choice: Grammar {
        let words = Value.allCases.map(\.rawValue)
        return Grammar(expected: Quoted.alternatives(words)) { (text: String) in
            if let value = Value(rawValue: text) { return .value(value) }
            return .mismatch(hint: Spelling.hint(for: text, among: words))
        }
    }
}

extension Grammar where Value == Int {
    /// A whole number in decimal; `_` may stand between digits.
    package static func count(_ range: ClosedRange<Int> = 0...Int.max) -> Grammar {
        let expected =
            range.upperBound == .max
            ? range.lowerBound == 0 ? "a whole number" : "a whole number, at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Grammar(expected: expected) { (text: String) in
            guard let count = Number.count(text), range.contains(count) else { return .mismatch }
            return .value(count)
        }
    }

    /// `20%` as 20.
    package static var percent: Grammar {
        Grammar(expected: "a percentage such as 20%") { (text: String) in
            guard text.last == "%", let count = Number.count(String(text.dropLast())), count <= 100 else {
                return .mismatch
            }
            return .value(count)
        }
    }

    /// Bytes with their unit: `512B`, `60KiB`, `1MiB`, `2GiB`.
    package static func byteSize(_ range: ClosedRange<Int> = 0...Int.max) -> Grammar {
        let bounds =
            range == 0...Int.max
            ? ""
            : range.upperBound == .max
                ? ", at least \(ByteSize.text(range.lowerBound))"
                : ", from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))"
        return Grammar(expected: "a size such as 60KiB or 1MiB\(bounds)") { (text: String) in
            guard let bytes = ByteSize.read(text), range.contains(bytes) else {
                let isBytes = ByteSize.read("\(text)B").map { range.contains($0) } ?? false
                return isBytes ? .mismatch(hint: "; with its unit: \(text)B") : .mismatch
            }
            return .value(bytes)
        }
    }
}

extension Grammar where Value == Duration {
    /// Numbers with their unit, the larger unit first: `250ms`, `5s`, `1h30m`, `30d`.
    package static func duration(_ range: ClosedRange<Duration> = .zero ... .seconds(36_500 * 86_400)) -> Grammar {
        let atLeast = range.lowerBound == .zero ? "" : ", at least \(DurationText.text(range.lowerBound))"
        let atMost =
            range.upperBound == .seconds(36_500 * 86_400) ? "" : ", at most \(DurationText.text(range.upperBound))"
        return Grammar(expected: "a duration such as 250ms or 5s\(atLeast)\(atMost)") { (text: String) in
            guard let duration = DurationText.read(text), range.contains(duration) else { return .mismatch }
            return .value(duration)
        }
    }

    package static var duration: Grammar { duration() }

    /// A duration that leaves time for something to happen.
    package static var timeout: Grammar { duration(.milliseconds(1) ... .seconds(36_500 * 86_400)) }
}

package enum NameText {
    /// Letters, digits, `_`, `-` and `.`, at most 128 of them.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128 && text.utf8.allSatisfy(Letters.isName)
    }
}

enum Letters {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return isDigit(byte) || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z"))
    }

    static func isName(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
}
