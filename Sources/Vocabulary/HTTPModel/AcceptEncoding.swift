public import Bytes

/// What a request says of the content codings that it takes (RFC 9110, section 12.5.3).
package enum AcceptEncoding {
    /// Whether gzip may be sent: named itself, or by `*`, with a weight that is neither 0 nor below that of `identity`.
    /// A request without the field gets none: the RFC would allow it, clients do not expect it.
    package static func admitsGzip(_ fields: FieldList) -> Bool {
        var weights = Weights()
        for field in fields where field.token == .acceptEncoding { weights.read(field.valueBytes) }
        guard let gzip = weights.gzip ?? weights.any else { return false }
        return gzip > .none && gzip >= weights.identity ?? .none
    }

    private struct Weights {
        var gzip, identity, any: Weight?

        mutating func read(_ list: BorrowedBytes) {
            var members = ListMembers(list)
            while let member = members.next() {
                let parts = member.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
                let coding = AcceptEncoding.trimmed(parts[0])
                let weight = parts.count == 1 ? .one : Weight(AcceptEncoding.trimmed(parts[1]))
                if HTTPGrammar.equalsIgnoringCase(coding, "gzip") || HTTPGrammar.equalsIgnoringCase(coding, "x-gzip") {
                    gzip = max(gzip ?? .none, weight)
                } else if HTTPGrammar.equalsIgnoringCase(coding, "identity") {
                    identity = weight
                } else if coding.equals("*") {
                    any = weight
                }
            }
        }
    }

    /// `q=0.5`, kept as it is written, with zeros behind it: four characters compare as the numbers do.
    private struct Weight: Comparable {
        private var text: UInt32

        static let none = Weight(text: 0x3030_3030)
        static let one = Weight(text: 0x3130_3030)

        private init(text: UInt32) { self.text = text }

        /// One that cannot be read counts as 0: what may not be wanted is not sent.
        init(_ parameter: BorrowedBytes) {
            self = .none
            guard parameter.count >= 3, HTTPGrammar.lowercased(parameter[0]) == UInt8(ascii: "q"), parameter[1] == UInt8(ascii: "=")
            else { return }
            var digits = parameter.dropFirst(2)
            guard let first = digits.popFirst(), first == UInt8(ascii: "0") || first == UInt8(ascii: "1") else { return }
            if let point = digits.popFirst(), point != UInt8(ascii: ".") { return }
            guard digits.count <= 3, digits.allSatisfy(HTTPGrammar.isDigit) else { return }
            text = UInt32(first)
            for index in 0..<3 {
                let place = digits.startIndex + index
                text = text << 8 | UInt32(place < digits.endIndex ? digits[place] : UInt8(ascii: "0"))
            }
            if text > Self.one.text { self = .none }
        }

        static func < (left: Weight, right: Weight) -> Bool { left.text < right.text }
    }

    private static func trimmed(_ bytes: BorrowedBytes.SubSequence) -> BorrowedBytes {
        var bytes = bytes
        while let byte = bytes.first, byte == 0x20 || byte == 0x09 { bytes = bytes.dropFirst() }
        while let byte = bytes.last, byte == 0x20 || byte == 0x09 { bytes = bytes.dropLast() }
        return BorrowedBytes(rebasing: bytes)
    }
}
