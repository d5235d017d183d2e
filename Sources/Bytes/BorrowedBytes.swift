/// Bytes in memory that somebody else owns: an arena, a socket's buffer, a literal. Good for as long as their owner says, which is what the
/// one who hands them out documents; nothing is counted or copied.
@usableFromInline package typealias BorrowedBytes = UnsafeRawBufferPointer

/// Elements side by side in memory that somebody else owns, on the same terms.
@usableFromInline package typealias BorrowedElements<Element> = UnsafeBufferPointer<Element>

extension BorrowedBytes {
    /// No bytes.
    @inlinable package static var none: BorrowedBytes { BorrowedBytes(start: nil, count: 0) }
}
