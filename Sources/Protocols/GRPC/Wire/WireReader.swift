package import Bytes

/// Reads protobuf field by field, without building anything.
///
///     while let field = try reader.next() { switch field.number { … default: try reader.skip(field) } }
///
/// Tolerant of fields it is not asked about, strict about the encoding itself (Protocol Buffers, "Encoding"). Slices are
/// of the bytes it was given.
package struct WireReader {
    package enum Failure: Error, Equatable {
        case truncated
        case varintTooLong
        /// Field number zero, one beyond 2²⁹−1, or a wire type that does not exist.
        case badTag
        case groupNotClosed
        case nestedTooDeep
        case textNotUTF8
        /// A number that its field's meaning does not allow.
        case numberOutOfRange
    }

    package enum WireType: UInt8 {
        case varint, fixed64, bytes, groupStart, groupEnd, fixed32
    }

    package struct Tag {
        package let number: UInt32
        package let type: WireType
    }

    /// Groups within groups, as deep as protobuf itself allows.
    private static let groupDepthMax = 100

    private let input: UnsafeRawBufferPointer
    private var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { input = bytes }

    /// The next field's number and type; `nil` at the end.
    package mutating func next() throws(Failure) -> Tag? {
        guard position < input.count else { return nil }
        let raw = try varint()
        guard raw <= UInt64(UInt32.max), raw >> 3 > 0, let type = WireType(rawValue: UInt8(raw & 7)) else {
            throw .badTag
        }
        return Tag(number: UInt32(raw >> 3), type: type)
    }

    package mutating func uint64() throws(Failure) -> Untrusted<UInt64> { Untrusted(try varint()) }

    package mutating func int64() throws(Failure) -> Untrusted<Int64> { Untrusted(Int64(bitPattern: try varint())) }

    /// Numbers of 32 bits, and enumerations, are the low half of what was written ("Encoding", Base 128 Varints).
    package mutating func uint32() throws(Failure) -> Untrusted<UInt32> { Untrusted(UInt32(truncatingIfNeeded: try varint())) }

    package mutating func int32() throws(Failure) -> Untrusted<Int32> { Untrusted(Int32(truncatingIfNeeded: try varint())) }

    private mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < input.count {
            let byte = input[position]
            position += 1
            // The tenth byte holds the one bit that is left.
            if shift == 63, byte > 1 { throw .varintTooLong }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .truncated
    }

    package mutating func bytes() throws(Failure) -> UnsafeRawBufferPointer {
        guard let length = Untrusted<Int>(try varint()).exactly(in: 0...(input.count - position)) else { throw .truncated }
        let start = position
        position += length
        return UnsafeRawBufferPointer(rebasing: input[start..<position])
    }

    /// Bytes that are UTF-8, as every `string` field of proto3 must be.
    package mutating func text() throws(Failure) -> UnsafeRawBufferPointer {
        let text = try bytes()
        guard isUTF8(text) else { throw .textNotUTF8 }
        return text
    }

    /// The same as a String, for rare paths.
    package mutating func string() throws(Failure) -> String { String(decoding: try text(), as: UTF8.self) }

    /// What has not been read.
    package var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: input[position...]) }

    package mutating func skip(_ tag: Tag) throws(Failure) {
        guard tag.type == .groupStart else { return try skipValue(tag.type) }
        var open: [UInt32] = [tag.number]
        while let number = open.last {
            guard let tag = try next() else { throw .groupNotClosed }
            switch tag.type {
            case .groupStart:
                guard open.count < Self.groupDepthMax else { throw .nestedTooDeep }
                open.append(tag.number)
            case .groupEnd:
                guard tag.number == number else { throw .groupNotClosed }
                open.removeLast()
            default: try skipValue(tag.type)
            }
        }
    }

    private mutating func skipValue(_ type: WireType) throws(Failure) {
        switch type {
        case .varint: _ = try varint()
        case .bytes: _ = try bytes()
        case .fixed64: try skip(byteCount: 8)
        case .fixed32: try skip(byteCount: 4)
        case .groupStart, .groupEnd: throw .groupNotClosed
        }
    }

    private mutating func skip(byteCount: Int) throws(Failure) {
        guard input.count - position >= byteCount else { throw .truncated }
        position += byteCount
    }

    private func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (try? UTF8Span(validating: bytes.bindMemory(to: UInt8.self).span)) != nil
    }
}
