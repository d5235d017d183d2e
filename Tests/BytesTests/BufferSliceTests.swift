import Testing

@testable import Bytes

@Suite("Slices of what was read")
struct BufferSliceTests {
    @Test("a part of a slice names the same buffer")
    func parts() {
        let chunks = ChunkPool()
        let buffer = chunks.acquireReadBuffer()
        defer { chunks.release(buffer) }
        for index in 0..<16 { buffer.memory[index] = UInt8(index) }
        let slice = buffer.first(10)
        #expect(Array(slice.bytes) == Array(0..<10) && slice.buffer == buffer)
        let rest = slice.dropFirst(7)
        #expect(Array(rest.bytes) == [7, 8, 9] && rest.buffer == slice.buffer)
        #expect(slice.dropFirst(10).isEmpty && buffer.first(0).isEmpty)
        #expect(rest.bytes.baseAddress == UnsafeRawPointer(buffer.memory.baseAddress! + 7))
    }

    @Test("bytes that are put aside name none, and no bytes are a slice too")
    func unnamed() {
        [UInt8]([1, 2]).withUnsafeBytes { bytes in
            let slice = BufferSlice(bytes)
            #expect(Array(slice.dropFirst(1).bytes) == [2] && slice.buffer == nil)
        }
        #expect(BufferSlice.none.isEmpty && BufferSlice.none.dropFirst(0).isEmpty && BufferSlice.none.buffer == nil)
    }
}
