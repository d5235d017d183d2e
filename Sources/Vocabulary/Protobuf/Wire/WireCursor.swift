/// Walks over protobuf bytes with a pointer, building nothing.
///
/// Strict about the encoding, indifferent to the fields. Slices are of the bytes it was given; every read is checked
/// against their end.
package struct WireCursor {
    package var at: UnsafePointer<UInt8>
    package let end: UnsafePointer<UInt8>

    /// Groups within groups that are skipped, as deep as protobuf itself allows.
    private static let groupDepthMax = 100

    @inline(__always)
    package init(at: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
        self.at = at
        self.end = end
    }

    package init(_ bytes: UnsafeRawBufferPointer) {
        at = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(bitPattern: 1)!
        end = at + bytes.count
    }

    @inline(__always)
    package var isAtEnd: Bool { at == end }

    @inline(__always)
    package var count: Int { end - at }

    /// A field's number and wire type in one number, as it was written. Only whether it is one that exists was checked.
    @inline(__always)
    package mutating func tag() throws(WireFailure) -> UInt32 {
        let raw: UInt64
        // One byte: the fields 1 to 15.
        if at < end, at[0] < 0x80 {
            raw = UInt64(at[0])
            at += 1
        } else {
            raw = try varint()
        }
        guard raw <= UInt64(UInt32.max), raw >= 8, raw & 7 <= 5 else { throw .badTag }
        return UInt32(truncatingIfNeeded: raw)
    }

    @inline(__always)
    package mutating func varint() throws(WireFailure) -> UInt64 {
        if at < end, at[0] < 0x80 {
            let value = UInt64(at[0])
            at += 1
            return value
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(WireFailure) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end {
            let byte = at[0]
            at += 1
            // The tenth byte holds the one bit that is left.
            if shift == 63, byte > 1 { throw .varintTooLong }
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw .varintTooLong }
        }
        throw .truncated
    }

    @inline(__always)
    package mutating func fixed32() throws(WireFailure) -> UInt32 {
        guard end - at >= 4 else { throw .truncated }
        let value = UInt32(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt32.self))
        at += 4
        return value
    }

    @inline(__always)
    package mutating func fixed64() throws(WireFailure) -> UInt64 {
        guard end - at >= 8 else { throw .truncated }
        let value = UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
        at += 8
        return value
    }

    /// What a length and its bytes hold.
    @inline(__always)
    package mutating func bytes() throws(WireFailure) -> UnsafeRawBufferPointer {
        let length = try varint()
        guard length <= UInt64(end - at) else { throw .truncated }
        let start = at
        at += Int(length)
        return UnsafeRawBufferPointer(start: start, count: Int(length))
    }

    /// The fields of a group that began before here. Afterwards the cursor is behind its end.
    package mutating func group(_ number: UInt32) throws(WireFailure) -> UnsafeRawBufferPointer {
        let start = at
        var inner = start
        try skipGroup(number, depth: 1, innerEnd: &inner)
        return UnsafeRawBufferPointer(start: start, count: inner - start)
    }

    /// Passes over the value of the field with this tag.
    package mutating func skip(_ tag: UInt32) throws(WireFailure) {
        if tag & 7 == UInt32(WireType.groupStart.rawValue) {
            var inner = at
            return try skipGroup(tag >> 3, depth: 1, innerEnd: &inner)
        }
        try skipPlain(tag)
    }

    private mutating func skipPlain(_ tag: UInt32) throws(WireFailure) {
        switch WireType(rawValue: UInt8(tag & 7)) {
        case .varint: _ = try varint()
        case .bytes: _ = try bytes()
        case .fixed64: _ = try fixed64()
        case .fixed32: _ = try fixed32()
        default: throw .groupNotClosed
        }
    }

    private mutating func skipGroup(
        _ number: UInt32, depth: Int, innerEnd: inout UnsafePointer<UInt8>
    ) throws(WireFailure) {
        guard depth <= Self.groupDepthMax else { throw .nestedTooDeep }
        while true {
            guard at < end else { throw .groupNotClosed }
            innerEnd = at
            let tag = try tag()
            switch WireType(rawValue: UInt8(tag & 7)) {
            case .groupStart:
                var inner = at
                try skipGroup(tag >> 3, depth: depth + 1, innerEnd: &inner)
            case .groupEnd:
                guard tag >> 3 == number else { throw .groupNotClosed }
                return
            default: try skipPlain(tag)
            }
        }
    }
}
