internal import Bytes

/// What of a FileDescriptorProto reflection needs to know: its name, what it imports, and what it defines.
package struct FileOutline: Sendable {
    package private(set) var name = ""
    package private(set) var imports: [String] = []
    /// Full names.
    package private(set) var services: [String] = []
    /// The full names of everything that has one, services among them.
    package private(set) var symbols: [String] = []
    /// The message that is extended, by its full name, and the number.
    package private(set) var extensions: [(type: String, number: UInt64)] = []

    /// Messages within messages, as deep as protobuf itself allows.
    private static let depthMax = 100

    package init(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Failure) {
        var package = ""
        var parts: [(number: UInt32, bytes: UnsafeRawBufferPointer)] = []
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            guard tag.type == .bytes else {
                try reader.skip(tag)
                continue
            }
            switch tag.number {
            case 1: name = try reader.string()
            case 2: package = try reader.string()
            case 3: imports.append(try reader.string())
            default: parts.append((tag.number, try reader.bytes()))
            }
        }
        // The package may stand behind what is in it.
        for part in parts {
            switch part.number {
            case 4: try message(part.bytes, package, depth: 0)
            case 5: try enumeration(part.bytes, package)
            case 6:
                let name = try named(part.bytes, package)
                services.append(name)
                try members(of: part.bytes, [2], name)
            case 7: try extensionField(part.bytes, package)
            default: break
            }
        }
    }

    private mutating func message(
        _ bytes: UnsafeRawBufferPointer, _ scope: String, depth: Int
    ) throws(WireReader.Failure) {
        guard depth < Self.depthMax else { throw .nestedTooDeep }
        let name = try named(bytes, scope)
        // Fields and oneofs.
        try members(of: bytes, [2, 8], name)
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (3, .bytes): try message(reader.bytes(), name, depth: depth + 1)
            case (4, .bytes): try enumeration(reader.bytes(), name)
            case (6, .bytes): try extensionField(reader.bytes(), name)
            default: try reader.skip(tag)
            }
        }
    }

    /// Its values stand beside it, not within.
    private mutating func enumeration(_ bytes: UnsafeRawBufferPointer, _ scope: String) throws(WireReader.Failure) {
        _ = try named(bytes, scope)
        try members(of: bytes, [2], scope)
    }

    private mutating func extensionField(_ bytes: UnsafeRawBufferPointer, _ scope: String) throws(WireReader.Failure) {
        _ = try named(bytes, scope)
        var type = ""
        var number: UInt64 = 0
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (2, .bytes): type = try reader.string()
            case (3, .varint): number = try ExtensionNumber.read(reader.uint64())
            default: try reader.skip(tag)
            }
        }
        extensions.append((type.hasPrefix(".") ? String(type.dropFirst()) : type, number))
    }

    /// Notes the names of what lies in these fields.
    private mutating func members(
        of bytes: UnsafeRawBufferPointer, _ numbers: [UInt32], _ scope: String
    ) throws(WireReader.Failure) {
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            if tag.type == .bytes, numbers.contains(tag.number) {
                _ = try named(reader.bytes(), scope)
            } else {
                try reader.skip(tag)
            }
        }
    }

    /// Notes the full name of a descriptor, whose field 1 is the name.
    private mutating func named(_ bytes: UnsafeRawBufferPointer, _ scope: String) throws(WireReader.Failure) -> String {
        var name = ""
        var reader = WireReader(bytes)
        while let tag = try reader.next() {
            if tag.number == 1, tag.type == .bytes { name = try reader.string() } else { try reader.skip(tag) }
        }
        let full = scope.isEmpty ? name : "\(scope).\(name)"
        symbols.append(full)
        return full
    }
}
