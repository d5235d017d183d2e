/// Bytes that have arrived, and the buffer they lie in: good until the call that hands them out returns.
///
/// What is to live longer is copied, or, where it is large, kept by a reference to its buffer (`ByteChain.append`): the channel then
/// reads into another, and this one counts as memory in use.
@usableFromInline package struct BufferSlice {
    @usableFromInline package let bytes: BorrowedBytes
    /// None for bytes that a codec had to put aside, and that go as soon as they are read.
    @usableFromInline package let buffer: ReadBuffer?

    @inlinable @inline(__always)
    package init(_ bytes: BorrowedBytes, in buffer: ReadBuffer? = nil) {
        self.bytes = bytes
        self.buffer = buffer
    }

    /// No bytes.
    @inlinable package static var none: BufferSlice { BufferSlice(.none) }

    @inlinable package var count: Int { bytes.count }
    @inlinable package var isEmpty: Bool { bytes.isEmpty }

    /// What of it follows the first `count` bytes.
    @inlinable package func dropFirst(_ count: Int) -> BufferSlice {
        BufferSlice(BorrowedBytes(rebasing: bytes[count...]), in: buffer)
    }
}
