internal import Bytes
internal import Protobuf

/// The messages whose JSON is not that of their fields (Protocol Buffers, "ProtoJSON Format").
extension MessagePrinter {
    func time(_ bytes: WireCursor, isTimestamp: Bool) throws(Problem) {
        var cursor = bytes
        var parts: TimeText.UntrustedParts = (Untrusted(0), Untrusted(0))
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            switch tag {
            case 0x08: parts.seconds = Untrusted(Int64(bitPattern: try cursor.nextVarint()))
            case 0x10: parts.nanoseconds = Untrusted(Int32(truncatingIfNeeded: try cursor.nextVarint()))
            default: try cursor.pass(tag)
            }
        }
        output.byte(UInt8(ascii: "\""))
        let isWritten =
            isTimestamp ? TimeText.write(timestamp: parts, to: &output) : TimeText.write(duration: parts, to: &output)
        guard isWritten else { throw .unprintable }
        output.byte(UInt8(ascii: "\""))
    }

    func fieldMask(_ bytes: WireCursor) throws(Problem) {
        var cursor = bytes
        var isFirst = true
        output.byte(UInt8(ascii: "\""))
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            guard tag == 0x0A else { try cursor.pass(tag); continue }
            if !isFirst { output.byte(UInt8(ascii: ",")) }
            isFirst = false
            guard FieldMaskText.writeCamelCase(try cursor.nextBytes(), to: &output) else { throw .unprintable }
        }
        output.byte(UInt8(ascii: "\""))
    }

    func wrapper(_ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor) throws(Problem) {
        guard let field = message.pointee.field(number: 1), field.pointee.message == nil else { throw .unprintable }
        var cursor = bytes
        let start = output.count
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            guard tag == field.pointee.tag else { try cursor.pass(tag); continue }
            output.truncate(to: start)
            _ = try value(field, &cursor)
        }
        if output.count == start { defaultValue(of: field) }
    }

    // MARK: any JSON

    func structure(_ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor) throws(Problem) {
        guard let field = message.pointee.field(number: 1), field.pointee.shape == .map else { throw .unprintable }
        try trail.enter()
        var cursor = bytes
        let first = entries.count
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            if tag == field.pointee.tag { try collect(field, cursor.nextBytes()) } else { try cursor.pass(tag) }
        }
        try writeEntries(field, from: first)
        trail.leave()
    }

    func list(_ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor) throws(Problem) {
        guard let field = message.pointee.field(number: 1), field.pointee.message != nil else { throw .unprintable }
        try trail.enter()
        output.byte(UInt8(ascii: "["))
        var cursor = bytes
        var index = 0
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            if tag == field.pointee.tag { try elements(field, tag, &cursor, &index) } else { try cursor.pass(tag) }
        }
        output.byte(UInt8(ascii: "]"))
        trail.leave()
    }

    /// The last of its kinds counts; none at all is `null`.
    func dynamicValue(_ message: UnsafePointer<MessageSchema>, _ bytes: WireCursor) throws(Problem) {
        var cursor = bytes
        let start = output.count
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            guard let field = try known(tag, message, &cursor) else { continue }
            output.truncate(to: start)
            let before = cursor
            _ = try value(field, &cursor)
            if field.pointee.kind == .double { try checkFinite(before) }
        }
        if output.count == start { output.append("null") }
    }

    /// JSON has no such number, and a string would be another value.
    private func checkFinite(_ cursor: WireCursor) throws(Problem) {
        var cursor = cursor
        guard Double(bitPattern: try cursor.nextFixed64()).isFinite else { throw .unprintable }
    }

    // MARK: Any

    /// With the fields of what it holds. What the schema does not know is given as `value` in base64.
    func any(_ bytes: WireCursor) throws(Problem) {
        var cursor = bytes
        var type = UnsafeRawBufferPointer(start: nil, count: 0)
        var value = WireCursor(at: bytes.end, end: bytes.end)
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            switch tag {
            case 0x0A: type = try cursor.nextBytes()
            case 0x12: value = WireCursor(try cursor.nextBytes())
            default: try cursor.pass(tag)
            }
        }
        guard type.count > 0 else {
            guard value.isAtEnd else { throw .unprintable }
            output.append("{}")
            return
        }
        var last = type.count
        while last > 0, type[last - 1] != UInt8(ascii: "/") { last -= 1 }
        let message = schema.message(fullName: UnsafeRawBufferPointer(rebasing: type[last...]))
        if let message, !message.pointee.wellKnown.isSpecialInAny { return try object(message, value, type: type) }
        try trail.enter()
        output.append("{\"@type\":")
        try StringText.write(type, isChecked: true, to: &output)
        output.append(",\"value\":")
        if let message {
            try self.value(of: message, value)
        } else {
            output.byte(UInt8(ascii: "\""))
            Base64Text.encode(UnsafeRawBufferPointer(start: value.at, count: value.count), into: &output)
            output.byte(UInt8(ascii: "\""))
        }
        output.byte(UInt8(ascii: "}"))
        trail.leave()
    }
}
