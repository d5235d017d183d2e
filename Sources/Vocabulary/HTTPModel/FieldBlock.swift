internal import Bytes
// Public, because what is inlined into other modules may name only what was imported so.
public import Glibc

/// The fields of one message, in order, with their bytes in one arena.
///
/// Plain memory meant to be embedded in slab records and reused: `init` allocates once, `reset` forgets the fields and
/// gives back what grew beyond the first block, `destroy` ends it. Bytes never move once appended, so a `Field` may be
/// handed on and stays valid until `reset`.
@usableFromInline package struct FieldBlock {
    /// In the order of arrival; valid until the next append.
    @usableFromInline package internal(set) var fields: UnsafeMutablePointer<Field>
    @usableFromInline package internal(set) var count = 0
    /// The size as RFC 9113, section 10.5.1 counts it: name, value and 32 bytes a field.
    @usableFromInline package internal(set) var listBytes = 0

    @usableFromInline var fieldCapacity: Int
    private let inlineFields: UnsafeMutablePointer<Field>
    private let inlineArena: UnsafeMutableRawPointer
    @usableFromInline var arena: UnsafeMutableRawPointer
    @usableFromInline var arenaUsed = 0
    @usableFromInline var arenaCapacity: Int
    /// Overflow blocks, newest first; each begins with a pointer to the one before.
    private var overflow: UnsafeMutableRawPointer?

    private static let inlineFieldCapacity = 28
    private static let inlineArenaBytes = 1900

    package init() {
        let fieldBytes = Self.inlineFieldCapacity * MemoryLayout<Field>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: fieldBytes + Self.inlineArenaBytes, alignment: MemoryLayout<Field>.alignment)
        inlineFields = memory.bindMemory(to: Field.self, capacity: Self.inlineFieldCapacity)
        inlineArena = memory + fieldBytes
        fields = inlineFields
        fieldCapacity = Self.inlineFieldCapacity
        arena = inlineArena
        arenaCapacity = Self.inlineArenaBytes
    }

    package mutating func destroy() {
        reset()
        UnsafeMutableRawPointer(inlineFields).deallocate()
    }

    package mutating func reset() {
        count = 0
        listBytes = 0
        arenaUsed = 0
        guard overflow != nil || fieldCapacity > Self.inlineFieldCapacity else { return }
        while let block = overflow {
            overflow = block.load(as: UnsafeMutableRawPointer?.self)
            block.deallocate()
        }
        arena = inlineArena
        arenaCapacity = Self.inlineArenaBytes
        if fieldCapacity > Self.inlineFieldCapacity {
            fields.deallocate()
            fields = inlineFields
            fieldCapacity = Self.inlineFieldCapacity
        }
    }

    /// Forgets the fields but keeps the bytes in the arena, where others may lie too, and what they count towards limits.
    package mutating func forgetFields() { count = 0 }

    @inlinable package subscript(index: Int) -> Field {
        precondition(index >= 0 && index < count)
        return fields[index]
    }

    /// All of them; valid until the next append.
    @inlinable @inline(__always)
    package var all: UnsafeBufferPointer<Field> { UnsafeBufferPointer(start: fields, count: count) }

    /// Those of one section; valid until the next append.
    @inlinable @inline(__always)
    package func section(from start: Int, to end: Int) -> UnsafeBufferPointer<Field> {
        UnsafeBufferPointer(start: fields + start, count: max(0, min(end, count) &- start))
    }

    /// Puts another field in the place of one.
    package mutating func replace(_ index: Int, with field: Field) {
        precondition(index >= 0 && index < count)
        listBytes += field.nameCount + field.valueCount - fields[index].nameCount - fields[index].valueCount
        fields[index] = field
    }

    /// Removes a field where others may be known by their place: what stands there then is sent nowhere (`te` is of one connection).
    package mutating func suppress(at index: Int) { replace(index, with: Field("te", "trailers", token: .te)) }

    /// Forgets the last field; its bytes stay.
    package mutating func removeLast() {
        precondition(count > 0)
        count -= 1
        listBytes -= fields[count].nameCount + fields[count].valueCount + 32
    }

    /// Forgets the fields at or behind `start` that `isUnwanted`; the others keep their order.
    package mutating func removeAll(from start: Int = 0, where isUnwanted: (Field) -> Bool) {
        removeAll(in: start..<max(start, count), where: isUnwanted)
    }

    /// Forgets the fields within `range` that `isUnwanted`; the others keep their order.
    package mutating func removeAll(in range: Range<Int>, where isUnwanted: (Field) -> Bool) {
        var kept = range.lowerBound
        for index in range {
            let field = fields[index]
            if isUnwanted(field) {
                listBytes -= field.nameCount + field.valueCount + 32
            } else {
                fields[kept] = field
                kept += 1
            }
        }
        guard kept < range.upperBound else { return }
        for index in range.upperBound..<max(range.upperBound, count) {
            fields[kept] = fields[index]
            kept += 1
        }
        count = kept
    }

    /// Copies name and value into the arena; a name that has a token is a literal, and needs no copy.
    @inlinable @inline(__always)
    package mutating func append(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, token: FieldToken, flags: Field.Flags = .borrowed
    ) {
        append(keepField(name: name, value: value, token: token, flags: flags))
    }

    /// The same, but the field itself is the caller's.
    @inlinable @inline(__always)
    package mutating func keepField(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, token: FieldToken, flags: Field.Flags = .borrowed
    ) -> Field {
        guard let literal = token.literal else { return keepOther(name: name, value: value, flags: flags) }
        let kept = keep(value).baseAddress!.assumingMemoryBound(to: UInt8.self)
        return Field(name: literal, nameCount: name.count, value: kept, valueCount: value.count, token: token, flags: flags)
    }

    @usableFromInline
    mutating func keepOther(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, flags: Field.Flags) -> Field {
        let bytes = reserve(name.count + value.count)
        if let source = name.baseAddress { memcpy(bytes, source, name.count) }
        if let source = value.baseAddress { memcpy(bytes + name.count, source, value.count) }
        let start = UnsafePointer(bytes.assumingMemoryBound(to: UInt8.self))
        return Field(
            name: start, nameCount: name.count, value: start + name.count, valueCount: value.count, token: .other, flags: flags)
    }

    /// Appends a field whose bytes live elsewhere, at least as long as this block's use of it.
    @inlinable @inline(__always)
    package mutating func append(_ field: Field) {
        if count == fieldCapacity { growFields() }
        fields[count] = field
        // No sum of sizes that lie in memory overflows.
        count &+= 1
        listBytes &+= field.nameCount &+ field.valueCount &+ 32
    }

    /// Appends fields whose bytes lie in this block's arena already.
    package mutating func append(_ kept: UnsafeBufferPointer<Field>) {
        while count + kept.count > fieldCapacity { growFields() }
        for field in kept {
            fields[count] = field
            count &+= 1
            listBytes &+= field.nameCount &+ field.valueCount &+ 32
        }
    }

    /// For tests and rare paths.
    package mutating func append(_ name: String, _ value: String) {
        var name = name, value = value
        name.withUTF8 { name in
            value.withUTF8 { value in
                let name = UnsafeRawBufferPointer(name)
                append(name: name, value: UnsafeRawBufferPointer(value), token: FieldToken(name))
            }
        }
    }

    /// Copies `bytes` into the arena and returns where they now lie.
    @inlinable @inline(__always)
    package mutating func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let target = reserve(bytes.count)
        if let source = bytes.baseAddress { Self.copy(bytes.count, from: source, to: target) }
        return UnsafeRawBufferPointer(start: target, count: bytes.count)
    }

    /// Most values have 4 to 32 bytes: those are moved as two words that may overlap, which is half of what a call costs.
    @inlinable @inline(__always)
    static func copy(_ count: Int, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        if count > 32 || count < 4 {
            memcpy(target, source, count)
        } else if count >= 16 {
            move(SIMD2<UInt64>.self, count, source, target)
        } else if count >= 8 {
            move(UInt64.self, count, source, target)
        } else {
            move(UInt32.self, count, source, target)
        }
    }

    @inlinable @inline(__always)
    static func move<Word: BitwiseCopyable>(
        _: Word.Type, _ count: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
    ) {
        let last = count &- MemoryLayout<Word>.size
        let (head, tail) = (source.loadUnaligned(as: Word.self), source.loadUnaligned(fromByteOffset: last, as: Word.self))
        target.storeBytes(of: head, as: Word.self)
        target.storeBytes(of: tail, toByteOffset: last, as: Word.self)
    }

    /// Room for `count` bytes in the arena, uninitialized. Where there are none, the address is that of what is reserved next.
    @inlinable @inline(__always)
    package mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if arenaCapacity &- arenaUsed < count { growArena(count) }
        defer { arenaUsed &+= count }
        return arena + arenaUsed
    }

    @usableFromInline @inline(never)
    mutating func growArena(_ count: Int) {
        let header = MemoryLayout<UnsafeMutableRawPointer?>.stride
        let capacity = max(4096, count)
        let block = UnsafeMutableRawPointer.allocate(byteCount: header + capacity, alignment: 16)
        block.storeBytes(of: overflow, as: UnsafeMutableRawPointer?.self)
        overflow = block
        arena = block + header
        arenaCapacity = capacity
        arenaUsed = 0
    }

    /// Room for `count` fields in the arena, uninitialized.
    package mutating func reserveFields(_ count: Int) -> UnsafeMutableBufferPointer<Field> {
        let alignment = MemoryLayout<Field>.alignment
        let bytes = reserve(count * MemoryLayout<Field>.stride + alignment).alignedUp(toMultipleOf: alignment)
        return UnsafeMutableBufferPointer(start: bytes.bindMemory(to: Field.self, capacity: count), count: count)
    }

    /// The fields, copied into the arena where their bytes lie already.
    package mutating func keepFields(_ list: UnsafeBufferPointer<Field>) -> UnsafeMutableBufferPointer<Field> {
        let kept = reserveFields(list.count)
        _ = kept.initialize(from: list)
        return kept
    }

    /// The first field with this token at or behind `start`.
    ///
    /// Inlined, because a call would be passed a copy of the whole block.
    @inlinable @inline(__always)
    package func first(_ token: FieldToken, from start: Int = 0) -> Field? {
        var index = start
        while index < count {
            if fields[index].token == token { return fields[index] }
            index += 1
        }
        return nil
    }

    /// The value of the first field with this name, as a String: for tests and rare paths.
    package func text(_ name: String, from start: Int = 0) -> String? {
        for index in start..<max(start, count) where fields[index].nameText == name { return fields[index].valueText }
        return nil
    }

    @usableFromInline @inline(never)
    mutating func growFields() {
        let capacity = fieldCapacity * 2
        let larger = UnsafeMutablePointer<Field>.allocate(capacity: capacity)
        larger.initialize(from: fields, count: count)
        if fieldCapacity > Self.inlineFieldCapacity { fields.deallocate() }
        fields = larger
        fieldCapacity = capacity
    }
}
