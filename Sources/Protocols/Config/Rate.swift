/// So many a second, with so many at once: `100/s burst 1000`.
package struct Rate: Sendable, Hashable {
    package var perSecond: Int
    /// As many as in one second where it is not written.
    package var burst: Int

    package init(perSecond: Int, burst: Int? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? perSecond
    }

    package static let perSecondMax = 1_000_000

    /// `COUNT/s [burst COUNT]`, blanks between the parts as one likes.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let perSecond = Number.count(parts[0].filter { $0 != " " }),
            (1...Self.perSecondMax).contains(perSecond)
        else { return nil }
        let words = parts[1].split(separator: " ")
        guard words.first == "s" else { return nil }
        switch words.count {
        case 1: self.init(perSecond: perSecond)
        case 3:
            guard words[1] == "burst", let burst = Number.count(words[2]), (1...Self.perSecondMax).contains(burst) else {
                return nil
            }
            self.init(perSecond: perSecond, burst: burst)
        default: return nil
        }
    }
}

extension Grammar where Value == Rate {
    package static var rate: Grammar {
        Grammar(expected: "a rate such as 10/s or 10/s burst 100") { (text: String) in Reading(Rate(text)) }
    }
}

extension Grammar where Value == Int {
    /// A rate without a burst of its own, `32/s`, as its count.
    package static var perSecond: Grammar {
        Grammar(expected: "a rate such as 32/s") { (text: String) in
            Reading(text.contains("burst") ? nil : Rate(text)?.perSecond)
        }
    }
}
