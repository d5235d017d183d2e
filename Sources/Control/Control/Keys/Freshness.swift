internal import Bytes

/// How long an answer may be used, as its head says.
package enum Freshness {
    /// More is as good as this (RFC 9111, section 1.2.2).
    private static let secondsMax: Int64 = 1 << 31

    /// `max-age` less `age` (RFC 9111, section 4.2.1); zero where the server wants it asked for again, `nil` where it says nothing.
    package static func read(cacheControl fields: [String], age: String?) -> Duration? {
        var seconds: Int64?
        for field in fields {
            for directive in field.lowercased().split(separator: ",") {
                let words = directive.split(separator: "=", maxSplits: 1).map { trimmed($0) }
                switch words.first {
                case "no-store", "no-cache": return .zero
                case "max-age" where words.count == 2: seconds = number(words[1])
                default: continue
                }
            }
        }
        guard let seconds else { return nil }
        let spent = age.flatMap { number($0) } ?? 0
        return .seconds(Untrusted<Int64>(seconds).addingSaturating(-spent).clamped(to: 0...secondsMax))
    }

    /// A negative one is none, and counts as zero: the server was wrong, and asking again does no harm.
    private static func number(_ text: String) -> Int64? {
        Untrusted<Int64>(signedDecimal: text.utf8)?.clamped(to: 0...secondsMax)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\t" || first == "\"" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" || last == "\"" { text.removeLast() }
        return String(text)
    }
}
