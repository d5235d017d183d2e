/// Bytes in memory that is owned elsewhere: an arena, a socket's buffer, a literal. Valid for as long as the documentation of what
/// returns them says; nothing is counted or copied.
@usableFromInline package typealias BorrowedBytes = UnsafeRawBufferPointer

/// Contiguous elements in memory that is owned elsewhere, under the same rules.
@usableFromInline package typealias BorrowedElements<Element> = UnsafeBufferPointer<Element>

extension BorrowedBytes {
    /// No bytes.
    @inlinable package static var none: BorrowedBytes { BorrowedBytes(start: nil, count: 0) }

    /// The bytes of a literal, which last as long as the program.
    @inlinable @inline(__always)
    package init(_ literal: StaticString) { self.init(start: literal.utf8Start, count: literal.utf8CodeUnitCount) }
}
