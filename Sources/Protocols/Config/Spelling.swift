/// Finds the name that was probably meant.
package enum Spelling {
    /// The nearest of `candidates`, if it is near enough to be a slip of the keyboard: one slip in up to five letters,
    /// two in up to eight, three in longer names. Of equally near ones the first.
    package static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let slipsMax = word.utf8.count <= 5 ? 1 : word.utf8.count <= 8 ? 2 : 3
        var best: (name: String, slips: Int)?
        for candidate in candidates {
            let slips = self.slips(from: Array(word.utf8), to: Array(candidate.utf8))
            // A name of which nothing is left was not meant.
            guard slips <= slipsMax, slips < candidate.utf8.count, slips < best?.slips ?? .max else { continue }
            best = (candidate, slips)
        }
        return best?.name
    }

    /// `; did you mean "endpoints"?`, or nothing.
    package static func hint(for word: String, among candidates: some Sequence<String>) -> String {
        nearest(to: word, among: candidates).map { "; did you mean \(Quoted.text($0))?" } ?? ""
    }

    /// How many letters were left out, added, exchanged or swapped with their neighbour.
    static func slips(from word: [UInt8], to target: [UInt8]) -> Int {
        // Names longer than any key of ours are not worth the square of their length.
        guard word.count <= 64, target.count <= 64 else { return .max }
        if word.isEmpty { return target.count }
        if target.isEmpty { return word.count }
        var beforeLast = [Int](repeating: 0, count: target.count + 1)
        var last = Array(0...target.count)
        for row in 1...word.count {
            var current = [row] + [Int](repeating: 0, count: target.count)
            for column in 1...target.count {
                let exchange = word[row - 1] == target[column - 1] ? 0 : 1
                current[column] = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + exchange)
                if row > 1, column > 1, word[row - 1] == target[column - 2], word[row - 2] == target[column - 1] {
                    current[column] = min(current[column], beforeLast[column - 2] + 1)
                }
            }
            (beforeLast, last) = (last, current)
        }
        return last[target.count]
    }
}
