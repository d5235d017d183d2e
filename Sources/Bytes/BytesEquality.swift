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
}
