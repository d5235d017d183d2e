/// Memory that a socket, or TLS, is read into, again and again: what arrives lies in it until the next read. A record of its own.
@usableFromInline package struct ReadBuffer {
    package let memory: UnsafeMutableRawBufferPointer

    package static func allocate(byteCount: Int) -> Record<ReadBuffer> {
        .allocate(ReadBuffer(memory: .allocate(byteCount: byteCount, alignment: 64)))
    }
}

extension Record<ReadBuffer> {
    package func destroy() {
        self.memory.deallocate()
        deallocate()
    }

    /// Its first `count` bytes.
    @inline(__always)
    package func first(_ count: Int) -> BufferSlice { BufferSlice(BorrowedBytes(rebasing: self.memory[..<count]), in: self) }
}

/// Bytes that have arrived, and the buffer they lie in: good until the call that hands them out returns.
///
/// What is to live longer is copied. The buffer is named so that a large slice can be kept by a reference to it instead, with nothing
/// else changed between the socket and its handler: the channel then reads into another buffer, and this one counts as memory in use.
@usableFromInline package struct BufferSlice {
    @usableFromInline package let bytes: BorrowedBytes
    /// None for bytes that a codec had to put aside, and that go as soon as they are read.
    @usableFromInline package let buffer: Record<ReadBuffer>?

    @inlinable @inline(__always)
    package init(_ bytes: BorrowedBytes, in buffer: Record<ReadBuffer>? = nil) {
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
