internal import HTTPModel

/// The field lines of a head or of trailers, one after the other, within their limits (RFC 9112, section 5).
struct FieldSection {
    enum Line {
        case incomplete
        /// A field was appended to the block; the next line begins at `next`.
        case field(Field, next: Int)
        /// The empty line.
        case end(next: Int)
    }

    private var scanner = LineScanner()
    /// Of what is kept.
    private var bytesLeft: Int
    private var fieldsLeft: Int
    /// Of what is read, kept or thrown away.
    private var sectionBytesLeft: Int
    private let endsWithLimit: Bool
    private let isHead: Bool
    /// More came than is kept.
    private(set) var isTooLarge = false

    init(_ limits: HTTP1Limits, isHead: Bool = true) {
        self.isHead = isHead
        bytesLeft = limits.fieldBytesMax
        fieldsLeft = limits.fieldsMax
        endsWithLimit = limits.sectionBytesMax == nil
        sectionBytesLeft = max(limits.sectionBytesMax ?? 0, limits.fieldBytesMax)
    }

    mutating func next(
        _ input: UnsafeRawBufferPointer, from start: Int, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Line {
        guard let line = try scanner.next(input, from: start, max: max(0, sectionBytesLeft - 2), tooLong: .fieldsTooLarge)
        else { return .incomplete }
        let next = line.upperBound + 2
        if line.isEmpty { return .end(next: next) }
        if fieldsLeft == 0, endsWithLimit { throw .tooManyFields }
        let field = try Self.parse(input.part(line), into: &fields)
        let bytes = max(line.count + 2, field.nameCount + field.valueCount + 32)
        guard bytes <= sectionBytesLeft else {
            fields.removeLast()
            throw .fieldsTooLarge
        }
        sectionBytesLeft -= bytes
        if fieldsLeft > 0, bytes <= bytesLeft {
            fieldsLeft -= 1
            bytesLeft -= bytes
        } else {
            drop(field, from: &fields)
        }
        return .field(field, next: next)
    }

    /// What frames the message is told to the reader even so; what its refusal is made from is kept.
    @inline(never)
    private mutating func drop(_ field: Field, from fields: inout FieldBlock) {
        isTooLarge = true
        fields.removeLast()
        guard isHead, let kept = fields.all.bytesKeptForRefusal(of: field.nameBytes, field.valueBytes, field.token) else { return }
        var field = field
        field.valueCount = kept
        fields.append(field)
    }

    /// `field-name ":" OWS field-value OWS`, the name copied in lower case.
    private static func parse(
        _ line: UnsafeRawBufferPointer, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Field {
        if line[0] == 0x20 || line[0] == 0x09 { throw .foldedField }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { throw .malformedFieldName }
        var (from, to) = (colon + 1, line.count)
        while from < to, line[from] == 0x20 || line[from] == 0x09 { from += 1 }
        while to > from, line[to - 1] == 0x20 || line[to - 1] == 0x09 { to -= 1 }
        let valueCount = to - from

        let start = fields.reserve(colon + valueCount).assumingMemoryBound(to: UInt8.self)
        for index in 0..<colon {
            // Whitespace before the colon is no token character either.
            guard HTTPGrammar.isToken(line[index]) else { throw .malformedFieldName }
            start[index] = HTTPGrammar.lowercased(line[index])
        }
        for index in 0..<valueCount {
            guard HTTPGrammar.isFieldValue(line[from + index]) else { throw .badFieldValue }
            start[colon + index] = line[from + index]
        }
        let field = Field(
            name: UnsafePointer(start), nameCount: colon, value: UnsafePointer(start + colon), valueCount: valueCount,
            token: FieldToken(UnsafeRawBufferPointer(start: start, count: colon)))
        fields.append(field)
        return field
    }
}
