import Bytes
import Compression
import Testing

@testable import GRPC

@Suite("Compressed messages among others")
struct FrameInflaterTests {
    private func gzip(_ text: [UInt8]) -> [UInt8] {
        var packed = ByteBuffer()
        text.withUnsafeBytes { MessageGzip().deflate($0, into: &packed) }
        return Array(packed.readable)
    }

    private func frame(_ payload: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        [
            flag, UInt8(payload.count >> 24), UInt8(payload.count >> 16 & 255), UInt8(payload.count >> 8 & 255),
            UInt8(payload.count & 255),
        ]
            + payload
    }

    private func read(_ bytes: [UInt8], step: Int, bytesMax: Int = 1000) throws(InflateFailure) -> [UInt8] {
        let inflater = FrameInflater(MessageGzip(), messageBytesMax: bytesMax)
        var output = ByteBuffer()
        // Whoever writes frames to a buffer may find something in it already.
        output.append(byte: 99)
        for start in stride(from: 0, to: bytes.count, by: step) {
            let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(step, bytes.count - start), alignment: 1)
            defer { piece.deallocate() }
            piece.copyBytes(from: bytes[start..<(start + piece.count)])
            try inflater.feed(UnsafeRawBufferPointer(piece), into: &output)
        }
        #expect(inflater.isAtBoundary)
        return Array(output.readable.dropFirst())
    }

    @Test("each takes its place, wherever the stream is cut", arguments: [1, 2, 3, 5, 7, 64, 10_000])
    func mixed(step: Int) throws {
        let long = [UInt8](repeating: 7, count: 900)
        let bytes =
            frame([1, 2]) + frame(gzip(long), flag: 1) + frame([], flag: 1) + frame([]) + frame(gzip([3]), flag: 3)
            + frame([4], flag: 2)
        let plain = frame([1, 2]) + frame(long) + frame([]) + frame([]) + frame([3], flag: 2) + frame([4], flag: 2)
        #expect(try read(bytes, step: step) == plain)
    }

    @Test("too much is refused by what its header says, and by what comes out", arguments: [1, 10_000])
    func tooLarge(step: Int) throws {
        #expect(try read(frame(gzip([UInt8](repeating: 0, count: 1000)), flag: 1), step: step).count == 1005)
        #expect(throws: InflateFailure.tooLarge(bytesMax: 1000)) {
            try read(frame(gzip([UInt8](repeating: 0, count: 1001)), flag: 1), step: step)
        }
        #expect(throws: InflateFailure.tooLarge(bytesMax: 1000)) { try read([1, 0, 0, 3, 233], step: step) }
        // One that is not compressed is for its reader to judge.
        #expect(try read(frame([UInt8](repeating: 0, count: 1001)), step: step).count == 1006)
    }

    @Test("what is no gzip, or not all of it, is malformed")
    func malformed() {
        let packed = gzip([1, 2, 3, 4])
        for payload in [[1], Array(packed.dropLast()), packed + [1]] {
            #expect(throws: InflateFailure.malformed) { try read(frame(payload, flag: 1), step: 100) }
        }
    }
}

@Suite("Messages by gzip")
struct MessageGzipTests {
    @Test("one is used again and again, after failures too")
    func again() throws {
        let gzip = MessageGzip()
        for count in [0, 1, 5000, 300_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 3) }
            var packed = ByteBuffer()
            var plain = ByteBuffer()
            bytes.withUnsafeBytes { gzip.deflate($0, into: &packed) }
            try gzip.inflate(packed.readable, bytesMax: count, into: &plain)
            #expect(Array(plain.readable) == bytes)
            guard count > 0 else { continue }
            #expect(throws: InflateFailure.tooLarge(bytesMax: count - 1)) {
                try gzip.inflate(packed.readable, bytesMax: count - 1, into: &plain)
            }
        }
        var nothing = ByteBuffer()
        #expect(throws: InflateFailure.malformed) {
            try gzip.inflate(UnsafeRawBufferPointer(start: nil, count: 0), bytesMax: 1, into: &nothing)
        }
    }
}
