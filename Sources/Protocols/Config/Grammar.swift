/// How one kind of value is written: reads a node, or reports what was expected there.
package struct Grammar<Value> {
    /// What follows "expected" in a message: `a duration such as 250ms or 5s`.
    package let expected: String
    private let decode: (_ node: Node, _ reader: Reader, _ expected: String) -> Value?

    /// - Parameter decode: reports with the `expected` that it is given, which may have been widened since.
    package init(
        expected: String, decode: @escaping (_ node: Node, _ reader: Reader, _ expected: String) -> Value?
    ) {
        self.expected = expected
        self.decode = decode
    }

    /// A grammar of text: one that is read from a scalar.
    package init(expected: String, text parse: @escaping (String) -> Reading<Value>) {
        self.init(expected: expected) { node, reader, expected in
            guard let scalar = node.scalar, !scalar.isAbsent else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            guard !scalar.isBroken else { return nil }
            switch parse(scalar.text) {
            case .value(let value): return value
            case .mismatch(let hint): reader.reportMismatch(node, expected: expected, hint: hint)
            case .expected(let better): reader.reportMismatch(node, expected: better)
            }
            return nil
        }
    }

    package func read(_ node: Node, _ reader: Reader) -> Value? { decode(node, reader, expected) }

    package func expecting(_ expected: String) -> Grammar {
        Grammar(expected: expected, decode: decode)
    }

    package func map<Other>(_ transform: @escaping (Value) -> Other) -> Grammar<Other> {
        Grammar<Other>(expected: expected) { node, reader, expected in
            decode(node, reader, expected).map(transform)
        }
    }
}

/// What a grammar of text makes of its text.
package enum Reading<Value> {
    case value(Value)
    /// Not of this grammar; the hint, if any, begins with a semicolon.
    case mismatch(hint: String)
    /// Of this grammar but wrong in a way that can be told better than by the grammar's own `expected`.
    case expected(String)

    package static var mismatch: Reading { .mismatch(hint: "") }

    package init(_ value: Value?) {
        self = value.map { .value($0) } ?? .mismatch
    }
}

// MARK: Made of others

extension Grammar {
    /// Keeps the place beside the value.
    package static func located<Inner>(_ inner: Grammar<Inner>) -> Grammar where Value == Located<Inner> {
        Grammar(expected: inner.expected) { node, reader, expected in
            inner.expecting(expected).read(node, reader).map { Located($0, at: node.place) }
        }
    }

    /// `word`, which reads as `nil`, or a value.
    package static func word<Inner>(_ word: String, or inner: Grammar<Inner>) -> Grammar where Value == Inner? {
        Grammar(expected: "\(inner.expected), or \(word)") { node, reader, expected in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text == word { return .some(nil) }
            return inner.expecting(expected).read(node, reader).map { .some($0) }
        }
    }

    /// A list of values, in order; a text alone is a list of one. A wrong element is reported and left out.
    package static func list<Element>(
        of element: Grammar<Element>, isEmptyAllowed: Bool = false
    ) -> Grammar where Value == [Element] {
        Grammar(expected: "a list, each \(element.expected)") { node, reader, expected in
            guard let nodes = node.elements else {
                if let scalar = node.scalar, !scalar.isAbsent {
                    return element.expecting(expected).read(node, reader).map { [$0] }
                }
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            if nodes.isEmpty, !isEmptyAllowed {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            return nodes.compactMap { node in
                let value = element.read(node, reader)
                if value == nil { reader.leaveOut(node) }
                return value
            }
        }
    }

    /// A mapping with names of the user's own, in order. A wrong value is reported and left out.
    package static func names<Element>(
        _ expected: String, of element: Grammar<Element>
    ) -> Grammar where Value == [(name: Located<String>, value: Element)] {
        Grammar(expected: expected) { node, reader, expected in
            guard let entries = node.entries else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            return entries.compactMap { entry in
                element.read(entry.value, reader).map { (entry.key, $0) }
            }
        }
    }

    /// A mapping with keys of ours.
    package static func section(
        expected: String = "a mapping", _ body: @escaping (Section) -> Value?
    ) -> Grammar {
        Grammar(expected: expected) { node, reader, expected in reader.section(node, expected: expected, body) }
    }
}
