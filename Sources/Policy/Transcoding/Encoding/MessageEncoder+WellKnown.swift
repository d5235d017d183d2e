internal import Bytes
internal import Protobuf

/// The messages whose JSON is not that of their fields (Protocol Buffers, "ProtoJSON Format").
extension MessageEncoder {
    // MARK: times

    func timestamp() throws(Problem) {
        json.skipSpace()
        let text = try plain(json.string())
        guard let parts = TimeText.timestamp(text.start, text.count) else { throw .badTimestamp }
        write(parts)
    }

    func duration() throws(Problem) {
        json.skipSpace()
        let text = try plain(json.string())
        guard let parts = TimeText.duration(text.start, text.count) else { throw .badDuration }
        write(parts)
    }

    /// Both have the seconds as their field 1 and the nanoseconds as their field 2.
    func write(_ parts: TimeText.Parts) {
        if parts.seconds != 0 {
            output.byte(0x08)
            varint(UInt64(bitPattern: parts.seconds))
        }
        if parts.nanoseconds != 0 {
            output.byte(0x10)
            varint(UInt64(bitPattern: Int64(parts.nanoseconds)))
        }
    }

    // MARK: names of fields

    func fieldMask() throws(Problem) {
        json.skipSpace()
        let text = try plain(json.string())
        try fieldMask(text.start, text.count)
    }

    func fieldMask(_ text: UnsafePointer<UInt8>, _ count: Int) throws(Problem) {
        var start = 0
        guard count > 0 else { return }
        for index in 0...count where index == count || text[index] == UInt8(ascii: ",") {
            guard index > start else { throw .badFieldMask }
            output.byte(0x0A)
            let gap = gaps.open(&output)
            guard FieldMaskText.writeSnakeCase(text + start, index - start, to: &output) else { throw .badFieldMask }
            gaps.close(gap, &output)
            start = index + 1
        }
    }

    // MARK: wrappers

    /// The bare value, as the field 1.
    func wrapper(_ message: UnsafePointer<MessageSchema>) throws(Problem) {
        guard let field = message.pointee.field(number: 1), field.pointee.message == nil else { throw .unexpectedByte }
        try singular(field)
    }

    // MARK: any JSON

    /// A `Struct`: its field 1 is a map of names to values.
    func structure() throws(Problem) {
        guard try json.peek() == UInt8(ascii: "{") else { throw .expectedObject }
        json.at += 1
        try trail.enter()
        if try json.peek() == UInt8(ascii: "}") {
            json.at += 1
        } else {
            let first = keys.count
            repeat {
                guard try json.peek() == UInt8(ascii: "\"") else { throw .unexpectedByte }
                try trail.enterHidden()
                output.byte(0x0A)
                let entry = gaps.open(&output)
                output.byte(0x0A)
                let start = output.count
                let name = try json.string()
                trail.at(name: name.start, name.count)
                let plain = try plain(name)
                varint(UInt64(plain.count))
                output.append(plain.start, plain.count)
                keys.add(start: start, count: output.count - start)
                try json.expect(UInt8(ascii: ":"))
                output.byte(0x12)
                let value = gaps.open(&output)
                try dynamicValue()
                gaps.close(value, &output)
                gaps.close(entry, &output)
                trail.leaveHidden()
            } while try json.anotherFollows(before: UInt8(ascii: "}"))
            if let twice = keys.close(first, in: output.base) {
                let skipped = Varint.width(UInt64(twice.count))
                trail.at(name: UnsafePointer(output.base) + twice.start + skipped, twice.count - skipped)
                throw .duplicateKey
            }
        }
        trail.leave()
    }

    /// A `ListValue`: its field 1 is the values.
    func list() throws(Problem) {
        guard try json.peek() == UInt8(ascii: "[") else { throw .expectedArray }
        json.at += 1
        try trail.enter()
        if try json.peek() == UInt8(ascii: "]") {
            json.at += 1
        } else {
            var index = 0
            repeat {
                trail.at(index: index)
                index += 1
                output.byte(0x0A)
                let value = gaps.open(&output)
                try dynamicValue()
                gaps.close(value, &output)
            } while try json.anotherFollows(before: UInt8(ascii: "]"))
        }
        trail.leave()
    }

    /// A `Value`: a field for each kind of JSON.
    func dynamicValue() throws(Problem) {
        try trail.enterHidden()
        switch try json.peek() {
        case UInt8(ascii: "n"):
            try json.word("null")
            output.byte(0x08)
            output.byte(0)
        case UInt8(ascii: "\""):
            output.byte(0x1A)
            _ = try text()
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            output.byte(0x20)
            _ = try boolean()
        case UInt8(ascii: "{"):
            output.byte(0x2A)
            let gap = gaps.open(&output)
            try structure()
            gaps.close(gap, &output)
        case UInt8(ascii: "["):
            output.byte(0x32)
            let gap = gaps.open(&output)
            try list()
            gaps.close(gap, &output)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            output.byte(0x11)
            _ = try writeNumber(.double)
        default: throw .unexpectedByte
        }
        trail.leaveHidden()
    }

    // MARK: Any

    /// An object that says its type in a member `@type`, first or elsewhere.
    func any() throws(Problem) {
        guard try json.peek() == UInt8(ascii: "{") else { throw .expectedObject }
        let start = json.at
        json.at += 1
        if try json.peek() == UInt8(ascii: "}") { json.at += 1; return }
        let name = try plain(anyType(from: start))
        output.byte(0x0A)
        varint(UInt64(name.count))
        output.append(name.start, name.count)
        var last = name.count
        while last > 0, name.start[last - 1] != UInt8(ascii: "/") { last -= 1 }
        let fullName = UnsafeRawBufferPointer(start: name.start + last, count: name.count - last)
        guard let message = schema.message(fullName: fullName) else { throw .unknownType }
        json.at = start
        output.byte(0x12)
        let value = gaps.open(&output)
        if message.pointee.wellKnown.isSpecialInAny {
            try specialAny(message)
        } else {
            try object(message, bound: -1, isAny: true)
        }
        gaps.close(value, &output)
    }

    /// Finds the member `@type` of the object whose first name is at the cursor.
    private func anyType(from start: UnsafePointer<UInt8>) throws(Problem) -> JSONCursor.Text {
        var isFirst = true
        repeat {
            guard try json.peek() == UInt8(ascii: "\"") else { throw .unexpectedByte }
            let name = try plain(json.string())
            try json.expect(UInt8(ascii: ":"))
            json.skipSpace()
            if UnsafeRawBufferPointer(start: name.start, count: name.count).equals("@type") {
                if !isFirst {
                    // Such objects inside each other are read once a level: no more of that than is sane.
                    rereadLeft -= json.at - start
                    guard rereadLeft >= 0 else { throw .tooDeep }
                }
                return try json.string()
            }
            isFirst = false
            try json.skipValue(depthLeft: options.depthMax - trail.level - 1)
        } while try json.anotherFollows(before: UInt8(ascii: "}"))
        throw .missingType
    }

    /// A message of special JSON, which is in the member `value`.
    private func specialAny(_ message: UnsafePointer<MessageSchema>) throws(Problem) {
        json.at += 1
        try trail.enter()
        var typeIsSeen = false
        var valueIsSeen = false
        repeat {
            guard try json.peek() == UInt8(ascii: "\"") else { throw .unexpectedByte }
            let written = try json.string()
            let name = try plain(written)
            try json.expect(UInt8(ascii: ":"))
            let text = UnsafeRawBufferPointer(start: name.start, count: name.count)
            trail.atUnknown(name: written.start, written.count)
            if text.equals("@type") {
                if typeIsSeen { throw .duplicateMember }
                typeIsSeen = true
                json.skipSpace()
                _ = try json.string()
            } else if text.equals("value") {
                if valueIsSeen { throw .duplicateMember }
                valueIsSeen = true
                try value(of: message, bound: -1)
            } else if options.ignoresUnknown {
                try json.skipValue(depthLeft: options.depthMax - trail.level)
            } else {
                throw .unknownMember
            }
        } while try json.anotherFollows(before: UInt8(ascii: "}"))
        trail.leave()
    }
}
