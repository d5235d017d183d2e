// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes

/// Puts the fields of one message in order for a codec: literals as they are, all else copied into the stream's arena.
///
/// Writes into the worker's field scratch, so only one is in use at a time. Usable from inline: each field of a call passes through it twice.
@usableFromInline package struct FieldWriter {
    @usableFromInline let fields: FieldScratch
    @usableFromInline package internal(set) var count = 0
    /// Whose arena the bytes go to.
    @usableFromInline let stream: StreamPointer

    /// - Parameter count: fields that lie in the scratch already, and stay.
    @inlinable package init(for stream: StreamPointer, scratch: FieldScratch, holding count: Int = 0) {
        self.stream = stream
        fields = scratch
        self.count = count
    }

    @inlinable package var written: FieldList { FieldList(start: fields.baseAddress, count: count) }

    /// Name and value are literals, or already lie in the stream's arena.
    @inlinable @inline(__always)
    package mutating func put(_ field: Field) {
        precondition(count < fields.count, "more fields than any limit allows")
        fields[count] = field
        count += 1
    }

    /// A field that arrived on another stream.
    @inlinable @inline(__always)
    package mutating func copy(_ field: Field) {
        guard let literal = field.token.literal else {
            return copy(name: field.nameBytes, value: field.valueBytes, flags: field.flags)
        }
        var kept = field
        kept.name = literal
        kept.value = stream.fields.keep(field.valueBytes).baseAddress!.assumingMemoryBound(to: UInt8.self)
        put(kept)
    }

    /// A literal name with a value that is copied.
    @inlinable @inline(__always)
    package mutating func put(
        _ name: StaticString, _ value: BorrowedBytes, token: FieldToken, flags: Field.Flags = .borrowed
    ) {
        let kept = stream.fields.keep(value)
        let start = kept.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? name.utf8Start
        put(
            Field(
                name: name.utf8Start, nameCount: name.utf8CodeUnitCount, value: start, valueCount: kept.count,
                token: token, flags: flags))
    }

    /// A name and a value that are both copied.
    @inlinable
    package mutating func copy(name: BorrowedBytes, value: BorrowedBytes, flags: Field.Flags = .borrowed) {
        let start = stream.fields.reserve(name.count + value.count)
        if let source = name.baseAddress { start.copyMemory(from: source, byteCount: name.count) }
        if let source = value.baseAddress { (start + name.count).copyMemory(from: source, byteCount: value.count) }
        let bytes = UnsafePointer(start.assumingMemoryBound(to: UInt8.self))
        put(
            Field(
                name: bytes, nameCount: name.count, value: bytes + name.count, valueCount: value.count,
                token: .other, flags: flags))
    }

    /// Takes fields out again; the others keep their order.
    package mutating func removeAll(where isUnwanted: (Field) -> Bool) {
        var kept = 0
        for index in 0..<count where !isUnwanted(fields[index]) {
            fields[kept] = fields[index]
            kept += 1
        }
        count = kept
    }
}
