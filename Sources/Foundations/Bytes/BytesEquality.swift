// Public, because what is inlined into other modules may name only what was imported so.
public import Glibc

extension UnsafeRawBufferPointer {
    /// Whether these are exactly the bytes of a literal; inlined, that is a comparison of words.
    @inlinable @inline(__always)
    package func equals(_ literal: StaticString) -> Bool {
        count == literal.utf8CodeUnitCount
            && (count == 0 || memcmp(baseAddress!, literal.utf8Start, literal.utf8CodeUnitCount) == 0)
    }

    /// Whether both hold the same bytes.
    @inlinable
    package func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        count == other.count && (count == 0 || memcmp(baseAddress!, other.baseAddress!, count) == 0)
    }

    /// Whether the bytes at an offset are these; there are enough.
    @inlinable @inline(__always)
    package func holds(_ other: UnsafeRawBufferPointer, at offset: Int = 0) -> Bool {
        assert(offset >= 0 && offset + other.count <= count)
        guard other.count > 0, let ours = baseAddress, let theirs = other.baseAddress else { return true }
        return memcmp(ours + offset, theirs, other.count) == 0
    }

    /// The offset of the first such byte, or the end.
    package func offset(of byte: UInt8) -> Int {
        guard count > 0, let start = baseAddress, let found = memchr(start, Int32(byte), count) else { return count }
        return UnsafeRawPointer(found) - start
    }

    /// Below zero where these bytes come before the others, as words in a dictionary do, above it where they come behind them.
    package func order(before other: UnsafeRawBufferPointer) -> Int {
        let common = Swift.min(count, other.count)
        guard common > 0, let ours = baseAddress, let theirs = other.baseAddress else { return count - other.count }
        let order = Int(memcmp(ours, theirs, common))
        return order == 0 ? count - other.count : order
    }
}
