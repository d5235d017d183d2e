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
    private var bytesLeft: Int
    private var fieldsLeft: Int
    /// What is still read beyond the limit, and thrown away; 0 where reading ends with the limit.
    private var excessBytesLeft: Int
    private let endsWithLimit: Bool
    /// More came than is kept.
    private(set) var isTooLarge = false

    init(_ limits: HTTP1Limits) {
        bytesLeft = limits.fieldBytesMax
        fieldsLeft = limits.fieldsMax
        endsWithLimit = limits.sectionBytesMax == nil
        excessBytesLeft = max(0, (limits.sectionBytesMax ?? 0) - limits.fieldBytesMax)
    }

    mutating func next(
        _ input: UnsafeRawBufferPointer, from start: Int, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Line {
        guard let line = try scanner.next(input, from: start, max: max(0, bytesLeft + excessBytesLeft - 2), tooLong: .fieldsTooLarge)
        else { return .incomplete }
        let next = line.upperBound + 2
        if line.isEmpty { return .end(next: next) }
        if fieldsLeft == 0, endsWithLimit { throw .tooManyFields }
        let field = try Self.parse(input.part(line), into: &fields)
        let bytes = max(line.count + 2, field.nameCount + field.valueCount + 32)
        if fieldsLeft > 0, bytes <= bytesLeft {
            fieldsLeft -= 1
            bytesLeft -= bytes
        } else {
            try drop(field, bytes, from: &fields)
        }
        return .field(field, next: next)
    }

    /// What frames the message is told to the reader even so; what the caller speaks is kept for the answer.
    private mutating func drop(_ field: Field, _ bytes: Int, from fields: inout FieldBlock) throws(HTTP1Failure) {
        guard bytes <= excessBytesLeft else { throw .fieldsTooLarge }
        excessBytesLeft -= bytes
        isTooLarge = true
        fields.removeLast()
        if field.token == .contentType, field.valueCount <= 256, fields.first(.contentType) == nil { fields.append(field) }
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
