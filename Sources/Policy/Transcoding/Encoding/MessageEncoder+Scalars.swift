internal import Bytes
internal import Protobuf

/// Numbers, truth values, texts, bytes and enums.
extension MessageEncoder {
    /// Writes the value at the cursor without a tag. Returns whether it is other than the type's default.
    func scalar(_ field: UnsafePointer<FieldSchema>) throws(Problem) -> Bool {
        switch field.pointee.kind {
        case .string: return try text()
        case .bytes: return try bytes()
        case .bool: return try boolean()
        case .enumeration: return try enumValue(field.pointee.enumeration!)
        default: return try writeNumber(field.pointee.kind)
        }
    }

    // MARK: text

    /// A string as a length and its bytes.
    @inline(__always)
    func text() throws(Problem) -> Bool {
        json.skipSpace()
        let text = try json.string()
        if text.hasEscapes { return try escapedText(text) }
        varint(UInt64(text.count))
        output.append(text.start, text.count)
        return text.count > 0
    }

    private func escapedText(_ text: JSONCursor.Text) throws(Problem) -> Bool {
        let plain = try plain(text)
        varint(UInt64(plain.count))
        output.append(plain.start, plain.count)
        return plain.count > 0
    }

    private func bytes() throws(Problem) -> Bool {
        json.skipSpace()
        let text = try plain(json.string())
        return try bytes(of: text.start, text.count)
    }

    /// What a base64 text means, as a length and its bytes.
    func bytes(of start: UnsafePointer<UInt8>, _ count: Int) throws(Problem) -> Bool {
        var bare = count
        while bare > 0, count - bare < 2, start[bare - 1] == UInt8(ascii: "=") { bare -= 1 }
        if bare < count, count % 4 != 0 { throw .badBase64 }
        let length = bare / 4 * 3 + bare % 4 * 3 / 4
        varint(UInt64(length))
        guard Base64Text.decode(start, count, into: &output) else { throw .badBase64 }
        return length > 0
    }

    // MARK: truth

    func boolean() throws(Problem) -> Bool {
        switch try json.peek() {
        case UInt8(ascii: "t"):
            try json.word("true")
            output.byte(1)
            return true
        case UInt8(ascii: "f"):
            try json.word("false")
            output.byte(0)
            return false
        default: throw .expectedBoolean
        }
    }

    // MARK: numbers

    /// A number, or a string that holds one.
    func writeNumber(_ kind: FieldKind) throws(Problem) -> Bool {
        let first = try json.peek()
        if first == UInt8(ascii: "\"") {
            let text = try plain(json.string())
            return try writeNumber(kind, text: text.start, text.count)
        }
        guard first == UInt8(ascii: "-") || first &- 0x30 <= 9 else { throw .expectedNumber }
        return try write(NumberText(&json.at, json.end), kind)
    }

    /// A number given as text, as in a query or a map's key.
    func writeNumber(_ kind: FieldKind, text: UnsafePointer<UInt8>, _ count: Int) throws(Problem) -> Bool {
        if let number = NumberText(whole: text, count) { return try write(number, kind) }
        guard kind == .double || kind == .float else { throw .expectedInteger }
        let text = UnsafeRawBufferPointer(start: text, count: count)
        let value: Double
        if text.equals("NaN") {
            value = .nan
        } else if text.equals("Infinity") {
            value = .infinity
        } else if text.equals("-Infinity") {
            value = -.infinity
        } else {
            throw .expectedNumber
        }
        if kind == .double { output.fixed64(value.bitPattern) } else { output.fixed32(Float(value).bitPattern) }
        return true
    }

    private func write(_ number: NumberText, _ kind: FieldKind) throws(Problem) -> Bool {
        switch kind {
        case .double:
            guard let value = number.double else { throw .outOfRange }
            output.fixed64(value.bitPattern)
            return value.bitPattern != 0
        case .float:
            guard let value = number.float else { throw .outOfRange }
            output.fixed32(value.bitPattern)
            return value.bitPattern != 0
        case .uint64, .fixed64, .uint32, .fixed32:
            guard let read = number.uint64 else { throw misfit(number) }
            let isShort = kind == .uint32 || kind == .fixed32
            guard let value = read.exactly(in: 0...(isShort ? 0xFFFF_FFFF : .max)) else { throw .outOfRange }
            switch kind {
            case .fixed64: output.fixed64(value)
            case .fixed32: output.fixed32(UInt32(truncatingIfNeeded: value))
            default: varint(value)
            }
            return value != 0
        default:
            guard let read = number.int64 else { throw misfit(number) }
            let isLong = kind == .int64 || kind == .sint64 || kind == .sfixed64
            guard let value = read.exactly(in: isLong ? .min ... .max : -0x8000_0000...0x7FFF_FFFF) else { throw .outOfRange }
            switch kind {
            case .int64: varint(UInt64(bitPattern: value))
            case .sint64: varint(ZigZag.encode(value))
            case .sfixed64: output.fixed64(UInt64(bitPattern: value))
            case .sfixed32: output.fixed32(UInt32(truncatingIfNeeded: value))
            case .sint32: varint(ZigZag.encode(value))
            default: varint(UInt64(bitPattern: value))
            }
            return value != 0
        }
    }

    /// No integer at all, or one that is too large.
    private func misfit(_ number: NumberText) -> Problem {
        guard let value = number.double else { return .outOfRange }
        return value == value.rounded() && (value.magnitude > 1e15 || number.isNegative) ? .outOfRange : .expectedInteger
    }

    // MARK: enums

    func enumValue(_ enumeration: UnsafePointer<EnumSchema>) throws(Problem) -> Bool {
        let first = try json.peek()
        switch first {
        case UInt8(ascii: "\""):
            let name = try plain(json.string())
            guard let number = enumeration.pointee.number(name: name.start, name.count) else { throw .unknownEnumValue }
            varint(UInt64(bitPattern: Int64(number)))
            return number != 0
        case UInt8(ascii: "n") where enumeration.pointee.isNull:
            try json.word("null")
            output.byte(0)
            return false
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try write(enumNumber: NumberText(&json.at, json.end), enumeration)
        default: throw .expectedString
        }
    }

    /// By its name or its number.
    func enumValue(
        _ enumeration: UnsafePointer<EnumSchema>, text: UnsafePointer<UInt8>, _ count: Int
    ) throws(Problem) -> Bool {
        if let number = enumeration.pointee.number(name: text, count) {
            varint(UInt64(bitPattern: Int64(number)))
            return number != 0
        }
        guard let number = NumberText(whole: text, count) else { throw .unknownEnumValue }
        return try write(enumNumber: number, enumeration)
    }

    private func write(enumNumber number: NumberText, _ enumeration: UnsafePointer<EnumSchema>) throws(Problem) -> Bool {
        guard let wide = number.int64 else { throw .expectedInteger }
        guard let value = wide.exactly(as: Int32.self) else { throw .outOfRange }
        guard enumeration.pointee.isOpen || enumeration.pointee.value(number: value) != nil else { throw .unknownEnumValue }
        varint(UInt64(bitPattern: Int64(value)))
        return value != 0
    }
}

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
