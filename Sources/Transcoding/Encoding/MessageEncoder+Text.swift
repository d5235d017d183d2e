internal import Bytes
internal import Protobuf

/// Values that a path or a query gives as plain text.
extension MessageEncoder {
    /// Writes a field with its tag: a scalar, an enum, a wrapper, or one of the messages that JSON writes as a string.
    func textField(_ field: UnsafePointer<FieldSchema>, _ text: UnsafeRawBufferPointer) throws(Problem) {
        tag(field.pointee.tag)
        let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        guard let message = field.pointee.message else {
            _ = try textScalar(field, start, text.count)
            return
        }
        guard field.pointee.kind == .message else { throw .notInQuery }
        let gap = gaps.open(&output)
        switch message.pointee.wellKnown {
        case .wrapper:
            guard let inner = message.pointee.field(number: 1) else { throw .notInQuery }
            // As in JSON: a value that is the default is not written.
            let before = output.count
            tag(inner.pointee.tag)
            if try !textScalar(inner, start, text.count) { output.truncate(to: before) }
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

    /// Returns whether it is other than the default.
    private func textScalar(
        _ field: UnsafePointer<FieldSchema>, _ start: UnsafePointer<UInt8>, _ count: Int
    ) throws(Problem) -> Bool {
        let text = UnsafeRawBufferPointer(start: start, count: count)
        switch field.pointee.kind {
        case .string:
            guard UTF8Text.isValid(text) else { throw .notUTF8 }
            varint(UInt64(count))
            output.append(start, count)
            return count > 0
        case .bytes: return try bytes(of: start, count)
        case .bool:
            guard text.equals("true") || text.equals("false") else { throw .expectedBoolean }
            output.byte(text.count == 4 ? 1 : 0)
            return text.count == 4
        case .enumeration: return try enumValue(field.pointee.enumeration!, text: start, count)
        default: return try writeNumber(field.pointee.kind, text: start, count)
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
