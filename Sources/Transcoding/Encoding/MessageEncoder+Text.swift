internal import Bytes
internal import Protobuf

/// Values that a path or a query gives as plain text.
extension MessageEncoder {
    /// Writes a field with its tag: a scalar, an enum, a wrapper, or one of the messages that JSON writes as a string.
    func textField(_ field: UnsafePointer<FieldSchema>, _ text: UnsafeRawBufferPointer) throws(Problem) {
        tag(field.pointee.tag)
        let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        guard let message = field.pointee.message else { return try textScalar(field, start, text.count) }
        guard field.pointee.kind == .message else { throw .notInQuery }
        let gap = gaps.open(&output)
        switch message.pointee.wellKnown {
        case .wrapper:
            guard let inner = message.pointee.field(number: 1) else { throw .notInQuery }
            tag(inner.pointee.tag)
            try textScalar(inner, start, text.count)
        case .timestamp:
            guard let parts = TimeText.timestamp(start, text.count) else { throw .badTimestamp }
            write(parts)
        case .duration:
            guard let parts = TimeText.duration(start, text.count) else { throw .badDuration }
            write(parts)
        case .fieldMask: try fieldMaskText(start, text.count)
        default: throw .notInQuery
        }
        gaps.close(gap, &output)
    }

    private func textScalar(
        _ field: UnsafePointer<FieldSchema>, _ start: UnsafePointer<UInt8>, _ count: Int
    ) throws(Problem) {
        let text = UnsafeRawBufferPointer(start: start, count: count)
        switch field.pointee.kind {
        case .string:
            guard UTF8Text.isValid(text) else { throw .notUTF8 }
            varint(UInt64(count))
            output.append(start, count)
        case .bytes: _ = try bytes(of: start, count)
        case .bool:
            guard text.equals("true") || text.equals("false") else { throw .expectedBoolean }
            output.byte(text.count == 4 ? 1 : 0)
        case .enumeration: _ = try enumValue(field.pointee.enumeration!, text: start, count)
        default: _ = try writeNumber(field.pointee.kind, text: start, count)
        }
    }

    /// People write the names of the proto file here as often as those of JSON: both are taken.
    private func fieldMaskText(_ text: UnsafePointer<UInt8>, _ count: Int) throws(Problem) {
        guard UnsafeRawBufferPointer(start: text, count: count).contains(UInt8(ascii: "_")) else {
            return try fieldMask(text, count)
        }
        var start = 0
        for index in 0...count where index == count || text[index] == UInt8(ascii: ",") {
            guard index > start else { throw .badFieldMask }
            guard UTF8Text.isValid(UnsafeRawBufferPointer(start: text + start, count: index - start)) else { throw .notUTF8 }
            output.byte(0x0A)
            varint(UInt64(index - start))
            output.append(text + start, index - start)
            start = index + 1
        }
    }
}
