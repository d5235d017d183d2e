/// The messages whose JSON is not that of their fields (Protocol Buffers, "ProtoJSON Format").
package enum WellKnownType: UInt8, Sendable {
    case none
    case any, timestamp, duration, fieldMask, structure, value, listValue, empty, wrapper
    /// `google.api.HttpBody`: raw bytes, where it is the whole of a body.
    case httpBody

    init(fullName: String) {
        switch fullName {
        case "google.protobuf.Any": self = .any
        case "google.protobuf.Timestamp": self = .timestamp
        case "google.protobuf.Duration": self = .duration
        case "google.protobuf.FieldMask": self = .fieldMask
        case "google.protobuf.Struct": self = .structure
        case "google.protobuf.Value": self = .value
        case "google.protobuf.ListValue": self = .listValue
        case "google.protobuf.Empty": self = .empty
        case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value",
            "google.protobuf.UInt64Value", "google.protobuf.Int32Value", "google.protobuf.UInt32Value",
            "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue":
            self = .wrapper
        case "google.api.HttpBody": self = .httpBody
        default: self = .none
        }
    }

    /// Whether an `Any` holds its JSON in a member `value`.
    package var isSpecialInAny: Bool {
        switch self {
        case .none, .empty, .httpBody: false
        default: true
        }
    }
}

/// One message type: its fields in the order of the file, and the ways to find one.
package struct MessageSchema {
    package internal(set) var fullNameStart: UnsafePointer<UInt8>
    package internal(set) var fullNameCount: Int
    package internal(set) var wellKnown: WellKnownType
    package internal(set) var isMapEntry: Bool
    package internal(set) var fields: UnsafePointer<FieldSchema>
    package internal(set) var fieldCount: Int
    package internal(set) var oneofCount: Int
    package internal(set) var requiredCount: Int
    package internal(set) var names: NameTable
    /// For numbers below `denseCount`: the field's index and one, or zero.
    var dense: UnsafePointer<Int32>
    var denseCount: UInt32
    /// Of the others, by number.
    var sparse: UnsafePointer<Int32>
    var sparseCount: Int

    package var fullName: String {
        String(decoding: UnsafeBufferPointer(start: fullNameStart, count: fullNameCount), as: UTF8.self)
    }

    @inline(__always)
    package func field(number: UInt32) -> UnsafePointer<FieldSchema>? {
        if number < denseCount {
            let index = dense[Int(number)]
            return index == 0 ? nil : fields + Int(index - 1)
        }
        return sparseCount == 0 ? nil : sparseField(number)
    }

    private func sparseField(_ number: UInt32) -> UnsafePointer<FieldSchema>? {
        var low = 0
        var high = sparseCount
        while low < high {
            let middle = (low + high) / 2
            if fields[Int(sparse[middle])].number < number { low = middle + 1 } else { high = middle }
        }
        guard low < sparseCount else { return nil }
        let found = fields + Int(sparse[low])
        return found.pointee.number == number ? found : nil
    }

    /// By JSON name, by the proto file's name, or by an extension's full name in brackets.
    @inline(__always)
    package func field(name: UnsafePointer<UInt8>, _ count: Int) -> UnsafePointer<FieldSchema>? {
        let index = names.find(name, count)
        return index < 0 ? nil : fields + index
    }

    package func field(name: String) -> UnsafePointer<FieldSchema>? {
        var name = name
        return name.withUTF8 { (text) in text.baseAddress.flatMap { field(name: $0, text.count) } }
    }
}

/// One enum: names to numbers and back. Of aliases the first name is printed.
package struct EnumSchema {
    package struct Value {
        package internal(set) var number: Int32
        package internal(set) var nameCount: Int32
        /// `"NAME"`, in quotes; the count is without them.
        package internal(set) var quoted: UnsafePointer<UInt8>

        package var name: String {
            String(decoding: UnsafeBufferPointer(start: quoted + 1, count: Int(nameCount)), as: UTF8.self)
        }
    }

    package internal(set) var fullNameStart: UnsafePointer<UInt8>
    package internal(set) var fullNameCount: Int
    /// Numbers without a name are values too (proto3); otherwise they are unknown fields.
    package internal(set) var isOpen: Bool
    /// `google.protobuf.NullValue`, which is JSON's `null`.
    package internal(set) var isNull: Bool
    /// As the file has them, aliases too.
    package internal(set) var values: UnsafePointer<Value>
    package internal(set) var valueCount: Int
    var names: NameTable
    /// Without aliases, by number; where numbers count up from zero, the place is the number.
    var byNumber: UnsafePointer<Int32>
    var numberCount: Int
    var denseCount: Int

    package var fullName: String {
        String(decoding: UnsafeBufferPointer(start: fullNameStart, count: fullNameCount), as: UTF8.self)
    }

    @inline(__always)
    package func value(number: Int32) -> UnsafePointer<Value>? {
        if number >= 0, Int(number) < denseCount { return values + Int(byNumber[Int(number)]) }
        var low = 0
        var high = numberCount
        while low < high {
            let middle = (low + high) / 2
            if values[Int(byNumber[middle])].number < number { low = middle + 1 } else { high = middle }
        }
        guard low < numberCount else { return nil }
        let found = values + Int(byNumber[low])
        return found.pointee.number == number ? found : nil
    }

    @inline(__always)
    package func number(name: UnsafePointer<UInt8>, _ count: Int) -> Int32? {
        let index = names.find(name, count)
        return index < 0 ? nil : values[index].number
    }
}
