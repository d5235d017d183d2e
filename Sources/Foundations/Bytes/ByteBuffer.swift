/// A growable buffer that is filled at its end and consumed from its front.
///
/// One owner, no reference count. The bytes between `start` and `end` are readable; consuming the last one rewinds
/// the buffer to its beginning, so a buffer that keeps up never moves a byte.
@usableFromInline package struct ByteBuffer: ~Copyable {
    @usableFromInline package internal(set) var base: UnsafeMutableRawPointer
    @usableFromInline package internal(set) var capacity: Int
    @usableFromInline package internal(set) var start = 0
    @usableFromInline package internal(set) var end = 0

    package init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    @inlinable package var count: Int { end &- start }
    @inlinable package var isEmpty: Bool { end == start }

    /// The readable bytes; valid until the next mutation.
    package var readable: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: end - start)
    }

    /// The free space behind the last byte; valid until the next mutation. Follow with `commit`.
    package mutating func writable(atLeast wanted: Int) -> UnsafeMutableRawBufferPointer {
        if capacity - end < wanted { makeRoom(wanted) }
        return UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
    }

    /// Says that `count` bytes of the writable space were filled.
    package mutating func commit(_ count: Int) {
        precondition(count >= 0 && count <= capacity - end)
        advanceEnd(count)
    }

    mutating func advanceEnd(_ count: Int) { end += count }

    /// Forgets the first `count` readable bytes.
    package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start)
        start += count
        if start == end { start = 0; end = 0 }
    }

    /// Forgets all but the first `count` readable bytes.
    package mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= end - start)
        end = start + count
    }

    package mutating func removeAll() { start = 0; end = 0 }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if capacity - end < bytes.count { makeRoom(bytes.count) }
        (base + end).copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    package mutating func append(_ text: StaticString) {
        append(BorrowedBytes(text))
    }

    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    package mutating func append(byte: UInt8) {
        if capacity == end { makeRoom(1) }
        base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Appends `value` in decimal digits.
    package mutating func append(decimal value: UInt64) {
        if capacity - end < 20 { makeRoom(20) }
        end += Decimal.write(value, to: base + end)
    }

    /// Takes memory back to `capacity` bytes if the buffer is empty and has grown beyond it.
    package mutating func shrink(to wanted: Int) {
        guard isEmpty, capacity > wanted else { return }
        base.deallocate()
        capacity = max(wanted, 16)
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    @usableFromInline @inline(never)
    mutating func makeRoom(_ wanted: Int) {
        let live = end - start
        if start > 0, capacity - live >= wanted, start >= live {
            base.copyMemory(from: base + start, byteCount: live)
        } else {
            var grown = capacity
            while grown - live < wanted { grown *= 2 }
            let larger = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
            larger.copyMemory(from: base + start, byteCount: live)
            base.deallocate()
            base = larger
            capacity = grown
        }
        start = 0
        end = live
    }
}
