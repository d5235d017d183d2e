/// One header or trailer field as it lies in a `FieldBlock`.
///
/// Its first five members are those of nghttp2's `nghttp2_nv`, in order, so that a run of fields can be handed to the
/// encoder as it is; a test holds the layouts together. The bytes belong to the block, or are static.
@usableFromInline package struct Field {
    @usableFromInline package var name: UnsafePointer<UInt8>
    @usableFromInline package var value: UnsafePointer<UInt8>
    @usableFromInline package var nameCount: Int
    @usableFromInline package var valueCount: Int
    @usableFromInline package var flags: Flags
    @usableFromInline package var token: FieldToken

    @usableFromInline package typealias Flags = FieldFlags

    @inlinable package init(
        name: UnsafePointer<UInt8>, nameCount: Int, value: UnsafePointer<UInt8>, valueCount: Int,
        token: FieldToken, flags: Flags = .borrowed
    ) {
        self.name = name
        self.value = value
        self.nameCount = nameCount
        self.valueCount = valueCount
        self.flags = flags
        self.token = token
    }

    /// A field whose name and value are literals of the program.
    @inlinable @inline(__always)
    package init(_ name: StaticString, _ value: StaticString, token: FieldToken) {
        self.init(
            name: name.utf8Start, nameCount: name.utf8CodeUnitCount,
            value: value.utf8Start, valueCount: value.utf8CodeUnitCount, token: token)
    }

    @inlinable package var nameBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: name, count: nameCount) }
    @inlinable package var valueBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: value, count: valueCount) }

    /// For tests, logs and rare paths only: makes Strings.
    package var nameText: String { String(decoding: nameBytes, as: UTF8.self) }
    package var valueText: String { String(decoding: valueBytes, as: UTF8.self) }
}

extension UnsafeBufferPointer<Field> {
    /// The size as RFC 9113, section 10.5.1 counts it: name, value and 32 bytes a field.
    package var listBytes: Int {
        var sum = 0
        for field in self { sum &+= field.nameCount &+ field.valueCount &+ 32 }
        return sum
    }
}

extension Field {
    /// A field with a literal name; the value lives as long as the field is used.
    @inlinable @inline(__always)
    package init(
        _ name: StaticString, value: UnsafeRawBufferPointer, token: FieldToken, flags: Flags = .borrowed
    ) {
        self.init(
            name: name.utf8Start, nameCount: name.utf8CodeUnitCount,
            value: value.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? name.utf8Start,
            valueCount: value.count, token: token, flags: flags)
    }
}

/// nghttp2's NV flags. Usable from inline, as everything that is asked per field must be: only so does a set of options
/// cost a bit test in other modules.
@usableFromInline package struct FieldFlags: OptionSet, Sendable {
    @usableFromInline package let rawValue: UInt8
    @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Never put into an HPACK dynamic table, here or further on (RFC 7541, section 7.1.3): secrets, and values that do not recur. To index a
    /// request id costs 4,000 instructions a call.
    @inlinable package static var neverIndexed: FieldFlags { FieldFlags(rawValue: 1) }
    /// Name and value outlive the frame that carries them; else the codec copies them, for 1,600 instructions a call.
    @inlinable package static var borrowed: FieldFlags { FieldFlags(rawValue: 6) }
    /// Both.
    @inlinable package static var borrowedNeverIndexed: FieldFlags { FieldFlags(rawValue: 7) }
}
