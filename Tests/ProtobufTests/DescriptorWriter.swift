/// Writes descriptors by hand, so that tests can have wrong ones.
struct DescriptorWriter {
    var bytes: [UInt8] = []

    init(_ write: (inout DescriptorWriter) -> Void) { write(&self) }

    mutating func number(_ field: Int, _ value: Int) {
        bytes += Self.varint(field << 3) + Self.varint(value)
    }

    mutating func text(_ field: Int, _ value: String) { message(field, Array(value.utf8)) }

    mutating func message(_ field: Int, _ value: [UInt8]) {
        bytes += Self.varint(field << 3 | 2) + Self.varint(value.count) + value
    }

    mutating func message(_ field: Int, _ write: (inout DescriptorWriter) -> Void) { message(field, DescriptorWriter(write).bytes) }

    private static func varint(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + varint(value >> 7)
    }

    // MARK: shorthands

    static func file(_ name: String, package: String = "p", imports: [String] = [], _ write: (inout DescriptorWriter) -> Void)
        -> [UInt8]
    {
        DescriptorWriter { file in
            file.text(1, name)
            file.text(2, package)
            for name in imports { file.text(3, name) }
            write(&file)
            file.text(12, "proto3")
        }.bytes
    }

    /// A field of a message; `type` as FieldDescriptorProto numbers it.
    mutating func field(_ name: String, _ number: Int, type: Int, label: Int = 1, typeName: String = "") {
        message(2) { field in
            field.text(1, name)
            field.number(3, number)
            field.number(4, label)
            field.number(5, type)
            if !typeName.isEmpty { field.text(6, typeName) }
        }
    }
}
