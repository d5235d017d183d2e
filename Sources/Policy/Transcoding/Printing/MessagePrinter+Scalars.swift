internal import Protobuf

/// Single values.
extension MessagePrinter {
    /// The field whose tag was just read. A default that cannot tell whether it was given is left out.
    @inline(__always)
    func singular(_ field: UnsafePointer<FieldSchema>, _ cursor: inout WireCursor) throws(Problem) {
        let start = output.count
        key(field)
        if try value(field, &cursor) || field.pointee.presence != .implicit || options.printsDefaults { return }
        output.truncate(to: start)
    }

    /// The value at the cursor. Returns whether it is other than the type's default; a message always is.
    func value(_ field: UnsafePointer<FieldSchema>, _ cursor: inout WireCursor) throws(Problem) -> Bool {
        switch field.pointee.kind {
        case .string:
            let text = try cursor.nextBytes()
            try StringText.write(text, isChecked: field.pointee.checksUTF8, to: &output)
            return text.count > 0
        case .bytes:
            let bytes = try cursor.nextBytes()
            output.byte(UInt8(ascii: "\""))
            Base64Text.encode(bytes, into: &output)
            output.byte(UInt8(ascii: "\""))
            return bytes.count > 0
        case .message:
            try value(of: field.pointee.message!, WireCursor(cursor.nextBytes()))
            return true
        case .group:
            try value(of: field.pointee.message!, WireCursor(cursor.nextGroup(field.pointee.number)))
            return true
        case .enumeration:
            return enumValue(Int32(truncatingIfNeeded: try cursor.nextVarint()), field.pointee.enumeration!)
        case .bool:
            let truth = try cursor.nextVarint() != 0
            output.append(truth ? "true" : "false")
            return truth
        default: return try number(field.pointee.kind, &cursor)
        }
    }

    /// 64-bit numbers are strings in protobuf's JSON.
    private func number(_ kind: FieldKind, _ cursor: inout WireCursor) throws(Problem) -> Bool {
        switch kind {
        case .double:
            let bits = try cursor.nextFixed64()
            DigitText.write(Double(bitPattern: bits), to: &output)
            return bits != 0
        case .float:
            let bits = try cursor.nextFixed32()
            DigitText.write(Float(bitPattern: bits), to: &output)
            return bits != 0
        case .int32: return small(Int64(Int32(truncatingIfNeeded: try cursor.nextVarint())))
        case .sint32: return small(ZigZag.decode(try cursor.nextVarint() & 0xFFFF_FFFF))
        case .sfixed32: return small(Int64(Int32(bitPattern: try cursor.nextFixed32())))
        case .uint32: return small(Int64(UInt32(truncatingIfNeeded: try cursor.nextVarint())))
        case .fixed32: return small(Int64(try cursor.nextFixed32()))
        case .int64: return large(Int64(bitPattern: try cursor.nextVarint()))
        case .sint64: return large(ZigZag.decode(try cursor.nextVarint()))
        case .sfixed64: return large(Int64(bitPattern: try cursor.nextFixed64()))
        case .uint64: return large(try cursor.nextVarint())
        default: return large(try cursor.nextFixed64())
        }
    }

    private func small(_ value: Int64) -> Bool {
        DigitText.write(value, to: &output)
        return value != 0
    }

    private func large(_ value: Int64) -> Bool {
        output.byte(UInt8(ascii: "\""))
        DigitText.write(value, to: &output)
        output.byte(UInt8(ascii: "\""))
        return value != 0
    }

    private func large(_ value: UInt64) -> Bool {
        output.byte(UInt8(ascii: "\""))
        DigitText.write(value, to: &output)
        output.byte(UInt8(ascii: "\""))
        return value != 0
    }

    private func enumValue(_ number: Int32, _ enumeration: UnsafePointer<EnumSchema>) -> Bool {
        if enumeration.pointee.isNull {
            output.append("null")
        } else if !options.printsEnumsAsNumbers, let value = enumeration.pointee.value(number: number) {
            output.append(value.pointee.quoted, Int(value.pointee.nameCount) + 2)
        } else {
            DigitText.write(Int64(number), to: &output)
        }
        return number != 0
    }

    func defaultValue(of field: UnsafePointer<FieldSchema>) {
        switch field.pointee.kind {
        case .string, .bytes: output.append("\"\"")
        case .bool: output.append("false")
        case .int64, .uint64, .fixed64, .sfixed64, .sint64: output.append("\"0\"")
        case .enumeration: _ = enumValue(0, field.pointee.enumeration!)
        default: output.append("0")
        }
    }
}
