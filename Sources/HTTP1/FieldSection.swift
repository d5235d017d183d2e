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

    init(_ limits: HTTP1Limits) {
        bytesLeft = limits.fieldBytesMax
        fieldsLeft = limits.fieldsMax
    }

    mutating func next(
        _ input: UnsafeRawBufferPointer, from start: Int, into fields: inout FieldBlock
    ) throws(HTTP1Failure) -> Line {
        guard let line = try scanner.next(input, from: start, max: max(0, bytesLeft - 2), tooLong: .fieldsTooLarge)
        else { return .incomplete }
        let next = line.upperBound + 2
        if line.isEmpty { return .end(next: next) }
        if fieldsLeft == 0 { throw .tooManyFields }
        fieldsLeft -= 1
        let field = try Self.parse(input.part(line), into: &fields)
        bytesLeft -= max(line.count + 2, field.nameCount + field.valueCount + 32)
        if bytesLeft < 0 { throw .fieldsTooLarge }
        return .field(field, next: next)
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
