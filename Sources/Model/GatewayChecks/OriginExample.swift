internal import GatewayModel
internal import Matching

/// A text that a regular expression takes, made of the expression's own text, and others like it that are somebody else's origin.
///
/// Made of what expressions for origins are made of: characters, escapes, classes, groups, and the first of several alternatives. What
/// it cannot read gives no example.
struct OriginExample {
    private(set) var text = ""
    /// Where something of any length that may be a part of a name stands in front of a name, or the whole goes on.
    private(set) var wider: [String] = []

    init?(of expression: RegularExpression) {
        var reader = Reader(expression.text)
        guard reader.read(), expression.matches(reader.text) else { return nil }
        text = reader.text
        wider = reader.open.map { position in
            String(text[..<position]) + "martlet-" + text[text.index(after: position)...]
        }
        wider.append("\(text).martlet.example")
    }

    private struct Reader {
        private var rest: Substring
        var text = ""
        /// The characters of `text` that stand for any number of others, and are followed by a part of the same name.
        var open: [String.Index] = []
        private var wildcard: String.Index?

        init(_ expression: String) {
            rest = Substring(expression)
            if rest.hasPrefix("(?i)") { rest = rest.dropFirst(4) }
        }

        /// False where there is something that it does not know.
        mutating func read() -> Bool {
            while let character = rest.popFirst() {
                switch character {
                case "^", "$": continue
                case "(": skipFlags()
                case ")": skipQuantifier()
                case "|": skipAlternatives()
                case "[": guard let one = readClass() else { return false }; append(one)
                case "\\": guard let one = rest.popFirst() else { return false }; append(Self.meaning(one))
                case ".": append(isRepeated ? "x" : ".")
                default: append(character)
                }
            }
            return true
        }

        private var isRepeated: Bool { rest.first == "*" || rest.first == "+" }

        private mutating func append(_ character: Character) {
            // `.*acme`: what stands there may end in the middle of a name.
            if let wildcard, character.isLetter || character.isNumber { open.append(wildcard) }
            wildcard = nil
            let position = text.endIndex
            if isRepeated { wildcard = position }
            for _ in 0..<skipQuantifier() { text.append(character) }
        }

        /// - Returns: how often what stands before must be there, once where it may.
        @discardableResult
        private mutating func skipQuantifier() -> Int {
            var count = 1
            if let first = rest.first, "*+?".contains(first) {
                rest.removeFirst()
            } else if rest.first == "{", let end = rest.firstIndex(of: "}") {
                let least = rest[rest.index(after: rest.startIndex)..<end].prefix { $0 != "," }
                count = min(max(Int(least) ?? 1, 1), 63)
                rest = rest[rest.index(after: end)...]
            }
            if rest.first == "?" { rest.removeFirst() }
            return count
        }

        private mutating func skipFlags() {
            guard rest.first == "?" else { return }
            let end = rest.hasPrefix("?P<") ? rest.firstIndex(of: ">") : rest.firstIndex(of: ":")
            if let end { rest = rest[rest.index(after: end)...] }
        }

        /// Up to the end of the group, or of the whole.
        private mutating func skipAlternatives() {
            var depth = 0
            while let next = rest.first, depth > 0 || next != ")" {
                rest.removeFirst()
                switch next {
                case "\\": _ = rest.popFirst()
                case "(": depth += 1
                case ")": depth -= 1
                default: break
                }
            }
        }

        private mutating func readClass() -> Character? {
            let isNegated = rest.first == "^"
            if isNegated { rest.removeFirst() }
            var first: Character?
            while let next = rest.popFirst(), next != "]" || first == nil {
                let meant = next == "\\" ? rest.popFirst().map { Self.meaning($0) } : next
                if first == nil || first?.isLetter == false && meant?.isLetter == true { first = meant }
            }
            return isNegated ? "x" : first
        }

        private static func meaning(_ escaped: Character) -> Character {
            switch escaped {
            case "d": "1"
            case "w", "S": "a"
            default: escaped
            }
        }
    }
}
