package import Bytes

/// Writes JSON to the end of a buffer, compactly.
///
/// It knows only whether a comma is due: that the calls nest is the caller's affair. Bytes that are no UTF-8 are
/// replaced (U+FFFD), so whatever a peer sent can be logged and the line stays JSON.
package struct JSONWriter {
    private var commaIsDue = false

    package init() {}

    package mutating func beginObject(_ buffer: inout ByteBuffer) { open(UInt8(ascii: "{"), &buffer) }
    package mutating func endObject(_ buffer: inout ByteBuffer) { close(UInt8(ascii: "}"), &buffer) }
    package mutating func beginArray(_ buffer: inout ByteBuffer) { open(UInt8(ascii: "["), &buffer) }
    package mutating func endArray(_ buffer: inout ByteBuffer) { close(UInt8(ascii: "]"), &buffer) }

    /// A member's name; its value follows.
    package mutating func key(_ name: StaticString, _ buffer: inout ByteBuffer) {
        key(BorrowedBytes(name), &buffer)
    }

    package mutating func key(_ name: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        Self.quote(name, &buffer)
        buffer.append(byte: UInt8(ascii: ":"))
        commaIsDue = false
    }

    package mutating func key(_ name: String, _ buffer: inout ByteBuffer) {
        var name = name
        name.withUTF8 { key(UnsafeRawBufferPointer($0), &buffer) }
    }

    package mutating func string(_ text: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        Self.quote(text, &buffer)
    }

    package mutating func string(_ text: StaticString, _ buffer: inout ByteBuffer) {
        string(BorrowedBytes(text), &buffer)
    }

    package mutating func string(_ text: String, _ buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0), &buffer) }
    }

    package mutating func number(_ value: Int64, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        if value < 0 { buffer.append(byte: UInt8(ascii: "-")) }
        buffer.append(decimal: value.magnitude)
    }

    package mutating func number(_ value: UInt64, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        buffer.append(decimal: value)
    }

    /// The shortest digits that read back as `value`; `null` for what JSON cannot say (infinities, not a number).
    package mutating func number(_ value: Double, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        buffer.append(value.isFinite ? value.description : "null")
    }

    package mutating func boolean(_ value: Bool, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        if value { buffer.append("true") } else { buffer.append("false") }
    }

    package mutating func null(_ buffer: inout ByteBuffer) {
        comma(&buffer)
        buffer.append("null")
    }

    /// A value that was read, numbers as they were written.
    package mutating func value(_ value: JSONValue, _ buffer: inout ByteBuffer) {
        switch value.kind {
        case .null: null(&buffer)
        case .boolean: boolean(value.boolean == true, &buffer)
        case .number:
            comma(&buffer)
            value.withText { buffer.append($0) }
        case .string: value.withText { string($0, &buffer) }
        case .array:
            beginArray(&buffer)
            for element in value.elements { self.value(element, &buffer) }
            endArray(&buffer)
        case .object:
            beginObject(&buffer)
            for (name, member) in value.members {
                name.withText { key($0, &buffer) }
                self.value(member, &buffer)
            }
            endObject(&buffer)
        }
    }

    private mutating func open(_ byte: UInt8, _ buffer: inout ByteBuffer) {
        comma(&buffer)
        buffer.append(byte: byte)
        commaIsDue = false
    }

    private mutating func close(_ byte: UInt8, _ buffer: inout ByteBuffer) {
        buffer.append(byte: byte)
        commaIsDue = true
    }

    /// Before every value and name: the comma, if one is due. Afterwards one is.
    private mutating func comma(_ buffer: inout ByteBuffer) {
        if commaIsDue { buffer.append(byte: UInt8(ascii: ",")) }
        commaIsDue = true
    }

    // MARK: escaping

    /// Appends `text` in quotes. Runs that need no escape are copied whole.
    package static func quote(_ text: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer) {
        buffer.append(byte: UInt8(ascii: "\""))
        var copied = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                index += 1
                continue
            }
            if byte >= 0x80 {
                let length = UTF8Sequence.length(at: UnsafeRawBufferPointer(rebasing: text[index...]))
                if length > 0 { index += length; continue }
            }
            buffer.append(UnsafeRawBufferPointer(rebasing: text[copied..<index]))
            escape(byte, &buffer)
            index += 1
            copied = index
        }
        buffer.append(UnsafeRawBufferPointer(rebasing: text[copied...]))
        buffer.append(byte: UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, _ buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.append("\\\"")
        case UInt8(ascii: "\\"): buffer.append("\\\\")
        case 0x0A: buffer.append("\\n")
        case 0x0D: buffer.append("\\r")
        case 0x09: buffer.append("\\t")
        case 0x80...: buffer.append("\u{FFFD}")
        default:
            buffer.append("\\u00")
            let digits: StaticString = "0123456789abcdef"
            buffer.append(byte: digits.utf8Start[Int(byte >> 4)])
            buffer.append(byte: digits.utf8Start[Int(byte & 0x0F)])
        }
    }
}
