/// Which paths a rule means, and which parts of them are fields (google.api.HttpRule).
///
///     Template = "/" Segment { "/" Segment } [ ":" LITERAL ]
///     Segment  = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segment { "/" Segment } ] "}"
///
/// `**` is last; a variable within a variable does not exist.
struct PathTemplate: Equatable {
    enum Segment: Hashable {
        /// With its percent escapes undone.
        case literal([UInt8])
        /// `*`: one segment, not empty.
        case one
        /// `**`: all that are left, or none.
        case rest
    }

    struct Variable: Equatable {
        var fieldPath: [String]
        var segments: Range<Int>
        /// One segment: its escapes are undone all. More: those of reserved characters stay (RFC 6570, section 3.2.3).
        var isSingle: Bool
    }

    /// What is wrong, and before which character, counted from 1.
    struct Mistake: Error, Equatable {
        var problem: String
        var column: Int
    }

    private(set) var segments: [Segment] = []
    private(set) var variables: [Variable] = []
    private(set) var verb: [UInt8] = []

    init(_ text: String) throws(Mistake) {
        var parser = Parser(text: Array(text.utf8))
        try parser.expect("/")
        while true {
            if parser.next == UInt8(ascii: "{") {
                try variable(&parser)
            } else {
                try segment(&parser)
            }
            guard parser.next == UInt8(ascii: "/") else { break }
            parser.position += 1
        }
        if parser.next == UInt8(ascii: ":") {
            parser.position += 1
            verb = try parser.literal()
        }
        if parser.next != nil { throw parser.mistake("expected the end of the path") }
    }

    private mutating func segment(_ parser: inout Parser) throws(Mistake) {
        if segments.last == .rest { throw parser.mistake("nothing may follow **") }
        guard parser.next == UInt8(ascii: "*") else { return segments.append(.literal(try parser.literal())) }
        parser.position += 1
        guard parser.next == UInt8(ascii: "*") else { return segments.append(.one) }
        parser.position += 1
        segments.append(.rest)
    }

    private mutating func variable(_ parser: inout Parser) throws(Mistake) {
        parser.position += 1
        if segments.last == .rest { throw parser.mistake("nothing may follow **") }
        let column = parser.position
        var path = [try parser.name()]
        while parser.next == UInt8(ascii: ".") {
            parser.position += 1
            path.append(try parser.name())
        }
        if variables.contains(where: { $0.fieldPath == path }) {
            throw Mistake(problem: "\(path.joined(separator: ".")) is bound twice", column: column + 1)
        }
        let start = segments.count
        if parser.next == UInt8(ascii: "=") {
            repeat {
                parser.position += 1
                if parser.next == UInt8(ascii: "{") { throw parser.mistake("a variable within a variable") }
                try segment(&parser)
            } while parser.next == UInt8(ascii: "/")
        } else {
            segments.append(.one)
        }
        try parser.expect("}")
        let isSingle = segments.count == start + 1 && segments.last != .rest
        variables.append(Variable(fieldPath: path, segments: start..<segments.count, isSingle: isSingle))
    }

    private struct Parser {
        let text: [UInt8]
        var position = 0

        var next: UInt8? { position < text.count ? text[position] : nil }

        func mistake(_ problem: String) -> Mistake { Mistake(problem: problem, column: position + 1) }

        mutating func expect(_ character: Unicode.Scalar) throws(Mistake) {
            guard next == UInt8(ascii: character) else { throw mistake("expected \(character)") }
            position += 1
        }

        mutating func name() throws(Mistake) -> String {
            let start = position
            while let byte = next, Self.isNameByte(byte) { position += 1 }
            if start == position { throw mistake("expected the name of a field") }
            return String(decoding: text[start..<position], as: UTF8.self)
        }

        mutating func literal() throws(Mistake) -> [UInt8] {
            var result: [UInt8] = []
            let start = position
            while let byte = next, Self.isLiteralByte(byte) {
                if byte == UInt8(ascii: "%") {
                    guard position + 2 < text.count, let value = PercentText.value(text[position + 1], text[position + 2]) else {
                        throw mistake("malformed percent escape")
                    }
                    result.append(value)
                    position += 3
                } else {
                    result.append(byte)
                    position += 1
                }
            }
            if start == position { throw mistake("expected a segment") }
            return result
        }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || byte &- 0x30 <= 9 || (byte | 0x20) &- UInt8(ascii: "a") < 26
        }

        /// What a path may hold (RFC 3986, section 3.3), without what templates give a meaning.
        private static func isLiteralByte(_ byte: UInt8) -> Bool {
            isNameByte(byte) || byte >= 0x80 || "-.~!$&'()+,;=@%".utf8.contains(byte)
        }
    }
}
