internal import Bytes

/// Reads a limit's shorthand from left to right; blanks between its parts mean nothing.
struct LimitScanner {
    private let text: [Unicode.Scalar]
    /// Of the next unread character that is not blank.
    private(set) var position = 0

    init(_ text: String) {
        self.text = Array(text.unicodeScalars)
        skipBlanks()
    }

    /// Digits, with `_` between digits where the writer likes.
    mutating func count(_ expected: String) throws(GrammarError) -> UInt64 {
        let start = position
        var value = Untrusted<UInt64>(0)
        var index = position
        while index < text.count, isDigit(text[index]) || text[index] == "_" {
            if text[index] == "_" {
                let between = index > start && index + 1 < text.count && isDigit(text[index + 1]) && isDigit(text[index - 1])
                guard between else { throw error(at: start, found: quoted(at: start), expected: expected) }
            } else {
                value = value.appending(digit: UInt8(truncatingIfNeeded: text[index].value &- 0x30), radix: 10)
            }
            index += 1
        }
        guard index > start else { throw error(at: start, found: quoted(at: start), expected: expected) }
        guard let count = value.exactly(in: 0 ... .max) else {
            throw error(at: start, found: quoted(at: start), expected: "a count of at most \(LimitRule.countMax)")
        }
        advance(to: index)
        return count
    }

    mutating func symbol(_ symbol: Unicode.Scalar, expected: String) throws(GrammarError) {
        guard position < text.count, text[position] == symbol else {
            throw error(at: position, found: quoted(at: position), expected: expected)
        }
        advance(to: position + 1)
    }

    /// `[N] UNIT`.
    mutating func window() throws(GrammarError) -> LimitWindow {
        var units = 1
        if position < text.count, isDigit(text[position]) {
            let start = position
            let read = try count("a number")
            guard let small = Int(exactly: read), small <= 1_000_000 else {
                throw error(at: start, found: "\(read)", expected: "a smaller number of units")
            }
            units = small
        }
        let start = position
        let word = peekWord()
        guard let unit = LimitWindow.Unit(rawValue: word) else {
            throw error(at: start, found: quoted(at: start), expected: "a unit: s, min, h, day, week or month")
        }
        advance(to: start + word.unicodeScalars.count)
        return LimitWindow(units: units, unit: unit)
    }

    mutating func keys() throws(GrammarError) -> [LimitKey] {
        var keys = [try key()]
        while position < text.count, text[position] == "," {
            advance(to: position + 1)
            keys.append(try key())
        }
        return keys
    }

    mutating func key() throws(GrammarError) -> LimitKey {
        let start = position
        let word = peekWord()
        advance(to: start + word.unicodeScalars.count)
        switch word {
        case "tenant": return .tenant
        case "address": return .address
        case "method": return .method
        case "claim": return .claim(try claimPath())
        case "header":
            return .header(try argument("a header name such as x-app", isHeaderCharacter).lowercased())
        case "constant":
            return .constant(try argument("a word without blanks or commas") { _ in true })
        default:
            throw error(
                at: start, found: quoted(at: start),
                expected: "a key: tenant, address, method, claim P, header H or constant C")
        }
    }

    mutating func word(_ word: String, expected: String) throws(GrammarError) {
        guard takeWord(word) else { throw error(at: position, found: quoted(at: position), expected: expected) }
    }

    /// Takes `word` if it comes next.
    mutating func takeWord(_ word: String) -> Bool {
        guard peekWord() == word else { return false }
        advance(to: position + word.unicodeScalars.count)
        return true
    }

    /// What shorthand cannot say is said so.
    func refuseKeyOfMapping(beside rule: LimitRule) throws(GrammarError) {
        let word = peekWord()
        guard ["starts", "time_zone", "cost", "mode", "before", "name", "counters", "when", "when_missing"].contains(word) else {
            return
        }
        let window = rule.algorithm == .concurrency ? "algorithm: concurrency" : "per: \(rule.window.text)"
        throw error(
            at: position, found: quoted(at: position),
            expected: "the mapping form for \(word): { count: \(rule.count), \(window), \(word): … }")
    }

    func end(expected: String) throws(GrammarError) {
        guard position == text.count else {
            throw error(at: position, found: quoted(at: position), expected: expected)
        }
    }

    func error(at position: Int, found: String, expected: String) -> GrammarError {
        GrammarError(column: position + 1, found: found, expected: expected)
    }

    /// Dots descend. A name with other characters than these needs the map form, where nothing has to be guessed.
    private mutating func claimPath() throws(GrammarError) -> [String] {
        let expected = "a claim such as tenant or realm.tenant (other names need the map form)"
        let start = position
        let path = try argument(expected) { isWord($0) || $0 == "." || $0 == "-" }
            .split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ !$0.isEmpty }) else {
            throw error(at: start, found: quoted(at: start), expected: expected)
        }
        return path
    }

    /// Everything up to the next blank or comma, all of it allowed.
    private mutating func argument(
        _ expected: String, _ isAllowed: (Unicode.Scalar) -> Bool
    ) throws(GrammarError) -> String {
        let start = position
        var word = String.UnicodeScalarView()
        var index = position
        while index < text.count, !isBlank(text[index]), text[index] != "," {
            guard isAllowed(text[index]) else { throw error(at: start, found: quoted(at: start), expected: expected) }
            word.append(text[index])
            index += 1
        }
        guard !word.isEmpty else { throw error(at: start, found: quoted(at: start), expected: expected) }
        advance(to: index)
        return String(word)
    }

    private func peekWord() -> String {
        var word = String.UnicodeScalarView()
        var index = position
        while index < text.count, isWord(text[index]) {
            word.append(text[index])
            index += 1
        }
        return String(word)
    }

    /// What stands there, up to the next blank or comma, in quotes; or that nothing does.
    private func quoted(at position: Int) -> String {
        guard position < text.count else { return "the end" }
        var word = String.UnicodeScalarView()
        var index = position
        repeat {
            word.append(text[index])
            index += 1
        } while index < text.count && !isBlank(text[index]) && text[index] != "," && index - position < 40
        return "\"\(String(word))\""
    }

    private mutating func advance(to index: Int) {
        position = index
        skipBlanks()
    }

    private mutating func skipBlanks() {
        while position < text.count, isBlank(text[position]) { position += 1 }
    }
}

private func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }

private func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }

private func isWord(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || (scalar >= "a" && scalar <= "z") || (scalar >= "A" && scalar <= "Z") || scalar == "_"
}

/// `tchar` of RFC 9110, section 5.6.2.
private func isHeaderCharacter(_ scalar: Unicode.Scalar) -> Bool {
    isWord(scalar) || "!#$%&'*+-.^`|~".unicodeScalars.contains(scalar)
}
