internal import Bytes

/// What a FileDescriptorProto says, read once, before it is linked into tables.
struct FileDescription {
    var name = ""
    var package = ""
    var imports: [String] = []
    var messages: [MessageDescription] = []
    var enums: [EnumDescription] = []
    var services: [ServiceDescription] = []
    var extensions: [FieldDescription] = []
    var features = Features.proto2
    var isProto3 = false
    /// The file without its source positions, to tell whether two of the same name are the same.
    var identity: [UInt8] = []

    init(_ bytes: [UInt8]) throws(WireFailure) {
        var changes: [UInt8]?
        try bytes.forEachField { (number, value) throws(WireFailure) in
            switch number {
            case 1: name = value.text
            case 2: package = value.text
            case 3: imports.append(value.text)
            case 4: messages.append(try MessageDescription(value.bytes))
            case 5: enums.append(try EnumDescription(value.bytes))
            case 6: services.append(try ServiceDescription(value.bytes))
            case 7: extensions.append(try FieldDescription(value.bytes))
            case 8: changes = try value.bytes.features(50)
            case 12:
                isProto3 = value.text == "proto3"
                features = isProto3 ? .proto3 : value.text == "editions" ? .editions : .proto2
            default: break
            }
        }
        features = try features.changed(by: changes)
        identity = try Self.withoutPositions(bytes)
    }

    /// `source_code_info` is field 9.
    private static func withoutPositions(_ bytes: [UInt8]) throws(WireFailure) -> [UInt8] {
        var kept: [UInt8] = []
        try bytes.withBytes { (all) throws(WireFailure) in
            var cursor = WireCursor(all)
            while !cursor.isAtEnd {
                let start = cursor.at
                let tag = try cursor.tag()
                try cursor.skip(tag)
                if tag >> 3 != 9 { kept.append(contentsOf: UnsafeBufferPointer(start: start, count: cursor.at - start)) }
            }
        }
        return kept
    }
}

struct MessageDescription {
    var name = ""
    var fields: [FieldDescription] = []
    var messages: [MessageDescription] = []
    var enums: [EnumDescription] = []
    var extensions: [FieldDescription] = []
    var oneofs: [String] = []
    var isMapEntry = false
    var features: [UInt8]?

    /// Messages within messages, as deep as protobuf itself allows.
    private static let depthMax = 100

    init(_ bytes: [UInt8], depth: Int = 0) throws(WireFailure) {
        guard depth < Self.depthMax else { throw .nestedTooDeep }
        try bytes.forEachField { (number, value) throws(WireFailure) in
            switch number {
            case 1: name = value.text
            case 2: fields.append(try FieldDescription(value.bytes))
            case 3: messages.append(try MessageDescription(value.bytes, depth: depth + 1))
            case 4: enums.append(try EnumDescription(value.bytes))
            case 6: extensions.append(try FieldDescription(value.bytes))
            case 7:
                features = try value.bytes.features(12)
                try value.bytes.forEachField { (number, value) in if number == 7 { isMapEntry = value.isTrue } }
            case 8:
                var name = ""
                try value.bytes.forEachField { (number, value) in if number == 1 { name = value.text } }
                oneofs.append(name)
            default: break
            }
        }
    }
}

struct FieldDescription {
    var name = ""
    var extendee = ""
    var number: UInt64 = 0
    var label: UInt64 = 1
    var type: UInt64 = 0
    var typeName = ""
    var jsonName: String?
    /// At most 2³¹−1; `TableBuilder` checks whether the message has so many.
    var oneof: Int?
    var isPacked: Bool?
    var isProto3Optional = false
    var features: [UInt8]?

    var isRepeated: Bool { label == 3 }
    var isRequired: Bool { label == 2 }

    init(_ bytes: [UInt8]) throws(WireFailure) {
        try bytes.forEachField { (number, value) throws(WireFailure) in
            switch number {
            case 1: name = value.text
            case 2: extendee = value.text
            case 3: self.number = value.number
            case 4: label = value.number
            case 5: type = value.number
            case 6: typeName = value.text
            case 8:
                features = try value.bytes.features(21)
                try value.bytes.forEachField { (number, value) in if number == 2 { isPacked = value.isTrue } }
            case 9: oneof = Untrusted<Int>(value.number).clamped(to: 0...Int(Int32.max))
            case 10: jsonName = value.text
            case 17: isProto3Optional = value.isTrue
            default: break
            }
        }
    }
}

struct EnumDescription {
    var name = ""
    var values: [(name: String, number: Int32)] = []
    var features: [UInt8]?

    init(_ bytes: [UInt8]) throws(WireFailure) {
        try bytes.forEachField { (number, value) throws(WireFailure) in
            switch number {
            case 1: name = value.text
            case 2:
                var entry = (name: "", number: Int32(0))
                try value.bytes.forEachField { (number, value) in
                    if number == 1 { entry.name = value.text }
                    if number == 2 { entry.number = Int32(truncatingIfNeeded: value.number) }
                }
                values.append(entry)
            case 3: features = try value.bytes.features(7)
            default: break
            }
        }
    }
}

struct ServiceDescription {
    var name = ""
    var methods: [MethodDescription] = []

    init(_ bytes: [UInt8]) throws(WireFailure) {
        try bytes.forEachField { (number, value) throws(WireFailure) in
            if number == 1 { name = value.text }
            if number == 2 { methods.append(try MethodDescription(value.bytes)) }
        }
    }
}

struct MethodDescription {
    var name = ""
    var input = ""
    var output = ""
    var clientStreams = false
    var serverStreams = false
    var isSideEffectFree = false
    var isIdempotent = false
    var rule: HTTPRule?

    init(_ bytes: [UInt8]) throws(WireFailure) {
        try bytes.forEachField { (number, value) throws(WireFailure) in
            switch number {
            case 1: name = value.text
            case 2: input = value.text
            case 3: output = value.text
            case 4:
                try value.bytes.forEachField { (number, value) throws(WireFailure) in
                    // idempotency_level: 1 is NO_SIDE_EFFECTS, 2 IDEMPOTENT; and the extension google.api.http.
                    if number == 34 {
                        isSideEffectFree = value.number == 1
                        isIdempotent = value.number == 1 || value.number == 2
                    }
                    if number == 72_295_728 { rule = try HTTPRule(value.bytes) }
                }
            case 5: clientStreams = value.isTrue
            case 6: serverStreams = value.isTrue
            default: break
            }
        }
    }
}

extension [UInt8] {
    /// The bytes of the FeatureSet among these options, joined where it is given in parts.
    func features(_ wanted: UInt32) throws(WireFailure) -> [UInt8]? {
        var found: [UInt8]?
        try forEachField { (number, value) in if number == wanted { found = (found ?? []) + value.bytes } }
        return found
    }
}
