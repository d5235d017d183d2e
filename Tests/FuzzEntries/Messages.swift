import Bytes
import GRPC
import Protobuf

extension FuzzEntry {
    static let messages: [FuzzEntry] = [
        FuzzEntry("fields of protobuf") { input in
            withBytes(message(of: &input)) { bytes in
                var reader = WireReader(bytes)
                while let tag = try? reader.next() {
                    if tag.type == .varint {
                        switch tag.number % 4 {
                        case 0: _ = try? reader.uint64().scaled(by: 2)
                        case 1: _ = try? reader.int64().scaled(by: -2)
                        case 2: _ = try? reader.uint32().adding(1)
                        default: _ = try? reader.int32().adding(-1)
                        }
                    } else if (try? reader.skip(tag)) == nil {
                        break
                    }
                }
            }
        },
        FuzzEntry("bytes of protobuf") { input in
            withBytes(message(of: &input)) { bytes in
                var cursor = WireCursor(bytes)
                while !cursor.isAtEnd {
                    guard let tag = try? cursor.tag() else { break }
                    switch tag & 7 {
                    case 3: if (try? cursor.group(tag >> 3)) == nil { return }
                    default: if (try? cursor.skip(tag)) == nil { return }
                    }
                }
            }
        },
        FuzzEntry("health checks") { input in
            var status = ByteWriter()
            status.field(1, input.number())
            _ = withBytes(input.damaged(status.bytes)) { try? HealthCheck.status(inResponse: $0) }
            _ = withBytes(message(of: &input)) { try? HealthCheck.status(inResponse: $0) }
        },
        FuzzEntry("reflection") { input in
            var numbers = ByteWriter()
            numbers.field(1, text: "a.B")
            numbers.field(2, input.number())
            var packed = ByteWriter()
            packed.varint(input.number())
            packed.varint(input.number())
            numbers.field(2, bytes: packed.bytes)
            var error = ByteWriter()
            error.field(1, input.number())
            for (field, body) in [(UInt64(5), numbers.bytes), (7, error.bytes)] {
                var answer = ByteWriter()
                answer.field(field, bytes: body)
                _ = withBytes(input.damaged(answer.bytes)) { try? ReflectionAnswer.read($0) }
                _ = withBytes(input.damaged(answer.bytes)) { try? ReflectionQuestion.read($0) }
            }
        },
        FuzzEntry("outlines of files") { input in
            var field = ByteWriter()
            field.field(1, text: "e")
            field.field(2, text: ".a.B")
            field.field(3, input.number())
            var file = ByteWriter()
            file.field(input.number() >> 3, input.number())
            file.field(7, bytes: field.bytes)
            _ = withBytes(input.damaged(file.bytes)) { try? FileOutline($0) }
        },
        FuzzEntry("descriptors", inputs: 2000) { input in
            var field = ByteWriter()
            field.field(1, text: "f")
            field.field(3, input.index % 2 == 0 ? 1 : input.number())
            field.field(4, 1)
            field.field(5, input.index % 3 == 0 ? input.number() : 5)
            field.field(9, input.number())
            var message = ByteWriter()
            message.field(1, text: "M")
            message.field(2, bytes: field.bytes)
            if input.index % 2 == 0 {
                var oneof = ByteWriter()
                oneof.field(1, text: "o")
                message.field(8, bytes: oneof.bytes)
            }
            var file = ByteWriter()
            file.field(1, text: "a.proto")
            file.field(4, bytes: message.bytes)
            file.field(12, text: "proto3")
            _ = try? Schema(files: [input.damaged(file.bytes)])
        },
    ]
}

/// A number, a field of any number, and a length that may be any.
private func message(of input: inout FuzzInput) -> [UInt8] {
    var writer = ByteWriter()
    writer.field(input.number() & 15, input.number())
    writer.field(input.number() >> 3, input.number())
    writer.field(2, length: input.number(), bytes: [1, 2, 3])
    return input.damaged(writer.bytes)
}

/// Writes protobuf as a peer would that is not ours.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func varint(_ number: UInt64) {
        var rest = number
        while rest > 127 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func field(_ number: UInt64, _ value: UInt64) {
        varint(number << 3)
        varint(value)
    }

    mutating func field(_ number: UInt64, bytes value: [UInt8]) {
        varint(number << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func field(_ number: UInt64, text: String) { field(number, bytes: Array(text.utf8)) }

    /// A length that is not that of its bytes.
    mutating func field(_ number: UInt64, length: UInt64, bytes value: [UInt8]) {
        varint(number << 3 | 2)
        varint(length)
        bytes += value
    }
}
