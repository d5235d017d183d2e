/// The types that a field can have, numbered as descriptor.proto numbers them.
package enum FieldKind: UInt8, Sendable {
    case double = 1, float, int64, uint64, int32, fixed64, fixed32, bool, string, group, message, bytes, uint32, enumeration
    case sfixed32, sfixed64, sint32, sint64

    package var wireType: WireType {
        switch self {
        case .int64, .uint64, .int32, .bool, .uint32, .enumeration, .sint32, .sint64: .varint
        case .double, .fixed64, .sfixed64: .fixed64
        case .float, .fixed32, .sfixed32: .fixed32
        case .string, .message, .bytes: .bytes
        case .group: .groupStart
        }
    }

    package var isMessage: Bool { self == .message || self == .group }
    /// Numbers, truth values and enums: what a repeated field can hold packed.
    package var isPackable: Bool { wireType != .bytes && self != .group }
}

/// One field, as a row of its message's table. An extension is a field of the message it extends.
package struct FieldSchema {
    package enum Shape: UInt8, Sendable { case singular, repeated, map }
    package enum Presence: UInt8, Sendable { case explicit, implicit, required }

    package internal(set) var number: UInt32
    package internal(set) var kind: FieldKind
    package internal(set) var shape: Shape
    package internal(set) var presence: Presence
    /// Whether it is written packed; both ways are read.
    package internal(set) var isPacked: Bool
    package internal(set) var checksUTF8: Bool
    package internal(set) var isExtension: Bool
    /// Its place in the message's table.
    package internal(set) var index: Int32
    /// The oneof it is a member of, or -1. The oneof that proto3's `optional` makes does not count.
    package internal(set) var oneof: Int32
    /// Number and wire type of one value.
    package internal(set) var tag: UInt32
    package internal(set) var message: UnsafePointer<MessageSchema>?
    package internal(set) var enumeration: UnsafePointer<EnumSchema>?
    /// `"jsonName":`, and the same with the name as the proto file has it.
    package internal(set) var jsonKey: UnsafePointer<UInt8>
    package internal(set) var protoKey: UnsafePointer<UInt8>
    package internal(set) var jsonKeyCount: Int32
    package internal(set) var protoKeyCount: Int32

    /// Number and wire type of several values in one.
    package var packedTag: UInt32 { number << 3 | UInt32(WireType.bytes.rawValue) }

    /// The name as the proto file has it; an extension's full name in brackets.
    package var name: String {
        String(decoding: UnsafeBufferPointer(start: protoKey + 1, count: Int(protoKeyCount) - 3), as: UTF8.self)
    }

    package var jsonName: String {
        String(decoding: UnsafeBufferPointer(start: jsonKey + 1, count: Int(jsonKeyCount) - 3), as: UTF8.self)
    }
}
