/// What is asked of a value, such as a header's: the one grammar for all places where values are compared.
///
///     "2"                 the value is this text, byte for byte
///     "*"                 there is a value
///     [a, b]              any of them
///     { prefix: v }       exactly one of exact, prefix, suffix, regex, present and file, or minimum and maximum, together or alone
///
/// Compiled by `ValueMatcher`.
package struct ValueMatch: Hashable, Sendable {
    package enum Test: Hashable, Sendable {
        /// There is a value, whatever it says.
        case present
        /// There is none.
        case absent
        case exact(String)
        case prefix(String)
        case suffix(String)
        /// Takes the whole value.
        case regex(RegularExpression)
        /// A number in this range.
        case range(NumberRange)
        /// One of the values that the file of this path lists (`ValueList`).
        case file(String)
    }

    /// One of them must hold; each once, and none beside one that is always true of a value.
    package let tests: [Test]

    package init(anyOf tests: [Test]) {
        var kept: [Test] = []
        let isPresent = tests.contains(.present)
        for test in tests where !kept.contains(test) && (!isPresent || test == .present || test == .absent) { kept.append(test) }
        self.tests = kept
    }

    package init(_ test: Test) { tests = [test] }

    package static var present: ValueMatch { ValueMatch(.present) }
    package static func exact(_ text: String) -> ValueMatch { ValueMatch(.exact(text)) }

    /// Of the files that it compares with.
    package var files: [String] { tests.compactMap { if case .file(let path) = $0 { path } else { nil } } }

    /// Whether every value that `other` takes is taken, too. Where it cannot be told it is not.
    package func covers(_ other: ValueMatch) -> Bool {
        other.tests.allSatisfy { narrow in tests.contains { $0.covers(narrow) } }
    }
}

extension ValueMatch.Test {
    /// Texts are compared as bytes: to Swift, two spellings of one character are equal.
    fileprivate func covers(_ narrow: ValueMatch.Test) -> Bool {
        switch (self, narrow) {
        case (.present, .absent): false
        case (.present, _): true
        case (.prefix(let wide), .exact(let text)), (.prefix(let wide), .prefix(let text)): text.utf8.starts(with: wide.utf8)
        case (.suffix(let wide), .exact(let text)), (.suffix(let wide), .suffix(let text)):
            text.utf8.reversed().starts(with: wide.utf8.reversed())
        case (.regex(let wide), .exact(let text)): wide.matches(text)
        case (.range(let wide), .exact(let text)): Array(text.utf8).withUnsafeBytes { wide.contains($0) }
        case (.range(let wide), .range(let narrow)): wide.contains(narrow)
        case (.prefix(let wide), .regex(let narrow)): narrow.commonPrefix.utf8.starts(with: wide.utf8)
        default: self == narrow
        }
    }
}
