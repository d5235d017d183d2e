package import Bytes
internal import Glibc

/// Writes the few protobuf messages that the request path needs to the end of a buffer, as protobuf would: shortest
/// varints, and a singular field left out where it has its default (Protocol Buffers, "Encoding").
package enum WireWriter {
    package static func field(_ number: UInt32, varint value: UInt64, into buffer: inout ByteBuffer) {
        guard value != 0 else { return }
        append(varint: UInt64(number) << 3, to: &buffer)
        append(varint: value, to: &buffer)
    }

    package static func field(_ number: UInt32, bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        guard bytes.count > 0 else { return }
        append(varint: UInt64(number) << 3 | 2, to: &buffer)
        append(varint: UInt64(bytes.count), to: &buffer)
        buffer.append(bytes)
    }

    package static func field(_ number: UInt32, text: StaticString, into buffer: inout ByteBuffer) {
        field(number, bytes: BorrowedBytes(text), into: &buffer)
    }

    package static func field(_ number: UInt32, text: String, into buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { field(number, bytes: UnsafeRawBufferPointer($0), into: &buffer) }
    }

    /// Begins a message inside a message and returns its place, for `close`. Written even where it stays empty. Nothing
    /// may be consumed from the buffer in between.
    package static func open(_ number: UInt32, in buffer: inout ByteBuffer) -> Int {
        append(varint: UInt64(number) << 3 | 2, to: &buffer)
        buffer.append(byte: 0)
        return buffer.count
    }

    /// Fills in the length of the message that began at `place`. Over 127 bytes it moves by what the length needs.
    package static func close(_ place: Int, in buffer: inout ByteBuffer) {
        let length = buffer.count - place
        var extra = 0
        var rest = length >> 7
        while rest > 0 { extra += 1; rest >>= 7 }
        if extra > 0 {
            _ = buffer.writable(atLeast: extra)
            let start = buffer.base + buffer.start + place
            memmove(start + extra, start, length)
            buffer.commit(extra)
        }
        var value = length
        var target = buffer.base + buffer.start + place - 1
        while value > 127 {
            target.storeBytes(of: UInt8(truncatingIfNeeded: value) | 0x80, as: UInt8.self)
            target += 1
            value >>= 7
        }
        target.storeBytes(of: UInt8(value), as: UInt8.self)
    }

    package static func append(varint value: UInt64, to buffer: inout ByteBuffer) {
        var value = value
        while value > 127 {
            buffer.append(byte: UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        buffer.append(byte: UInt8(value))
    }
}
