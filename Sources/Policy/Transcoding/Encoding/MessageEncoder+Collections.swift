internal import Bytes
internal import Protobuf

/// Repeated fields and maps.
extension MessageEncoder {
    func array(_ field: UnsafePointer<FieldSchema>) throws(Problem) {
        guard try json.peek() == UInt8(ascii: "[") else { throw .expectedArray }
        json.at += 1
        if try json.peek() == UInt8(ascii: "]") { json.at += 1; return }
        if field.pointee.isPacked { return try packed(field) }
        var index = 0
        repeat {
            trail.at(index: index)
            index += 1
            if try json.peek() == UInt8(ascii: "n"), !Self.hasNull(field) { throw .nullElement }
            if field.pointee.message != nil {
                try message(field)
            } else {
                let mark = gaps.mark(output)
                tag(field.pointee.tag)
                if try element(field) { continue }
                gaps.restore(mark, &output)
            }
        } while try json.anotherFollows(before: UInt8(ascii: "]"))
    }

    private func packed(_ field: UnsafePointer<FieldSchema>) throws(Problem) {
        let mark = gaps.mark(output)
        tag(field.pointee.packedTag)
        let gap = gaps.open(&output)
        let start = output.count
        var index = 0
        repeat {
            trail.at(index: index)
            index += 1
            if try json.peek() == UInt8(ascii: "n"), !Self.hasNull(field) { throw .nullElement }
            _ = try element(field)
        } while try json.anotherFollows(before: UInt8(ascii: "]"))
        if output.count == start { gaps.restore(mark, &output) } else { gaps.close(gap, &output) }
    }

    /// `false`, with nothing written: a name that the enum does not have, where unknown things are ignored.
    @inline(__always)
    private func element(_ field: UnsafePointer<FieldSchema>) throws(Problem) -> Bool {
        guard options.ignoresUnknown, field.pointee.kind == .enumeration else {
            _ = try scalar(field)
            return true
        }
        return try knownEnumValue(field)
    }

    /// An enum's value; `false`, with nothing written, for a name that it does not have.
    func knownEnumValue(_ field: UnsafePointer<FieldSchema>) throws(Problem) -> Bool {
        let start = output.count
        do throws(Problem) {
            _ = try scalar(field)
            return true
        } catch {
            guard error == .unknownEnumValue else { throw error }
            output.truncate(to: start)
            return false
        }
    }

    // MARK: maps

    func map(_ field: UnsafePointer<FieldSchema>) throws(Problem) {
        guard try json.peek() == UInt8(ascii: "{") else { throw .expectedObject }
        json.at += 1
        if try json.peek() == UInt8(ascii: "}") { json.at += 1; return }
        let entry = field.pointee.message!
        guard let key = entry.pointee.field(number: 1), let value = entry.pointee.field(number: 2) else { throw .expectedObject }
        let first = keys.count
        repeat {
            guard try json.peek() == UInt8(ascii: "\"") else { throw .unexpectedByte }
            let mark = gaps.mark(output)
            try trail.enterHidden()
            tag(field.pointee.tag)
            let gap = gaps.open(&output)
            tag(key.pointee.tag)
            let start = output.count
            try mapKey(key)
            keys.add(start: start, count: output.count - start)
            try json.expect(UInt8(ascii: ":"))
            if try json.peek() == UInt8(ascii: "n"), !Self.hasNull(value) { throw .nullElement }
            if value.pointee.message != nil {
                try message(value)
            } else {
                tag(value.pointee.tag)
                if try !element(value) {
                    gaps.restore(mark, &output)
                    trail.leaveHidden()
                    continue
                }
            }
            gaps.close(gap, &output)
            trail.leaveHidden()
        } while try json.anotherFollows(before: UInt8(ascii: "}"))
        if let twice = keys.close(first, in: output.base) {
            // A text lies behind its length.
            let skipped = key.pointee.kind == .string ? Varint.width(UInt64(twice.count)) : twice.count
            trail.at(name: UnsafePointer(output.base) + twice.start + skipped, twice.count - skipped)
            throw .duplicateKey
        }
    }

    private func mapKey(_ key: UnsafePointer<FieldSchema>) throws(Problem) {
        let text = try json.string()
        trail.at(name: text.start, text.count)
        let plain = try plain(text)
        switch key.pointee.kind {
        case .string:
            varint(UInt64(plain.count))
            output.append(plain.start, plain.count)
        case .bool:
            let word = UnsafeRawBufferPointer(start: plain.start, count: plain.count)
            if word.equals("true") { output.byte(1) } else if word.equals("false") { output.byte(0) } else { throw .badKey }
        default: _ = try writeNumber(key.pointee.kind, text: plain.start, plain.count)
        }
    }
}
