/// Bytes in memory that somebody else owns: an arena, a socket's buffer, a literal. Good for as long as their owner says, which is what the
/// one who hands them out documents; nothing is counted or copied.
@usableFromInline package typealias BorrowedBytes = UnsafeRawBufferPointer

extension BorrowedBytes {
    /// No bytes.
    @inlinable package static var none: BorrowedBytes { BorrowedBytes(start: nil, count: 0) }
}
