import Bytes
import Testing

@testable import GRPC

@Suite struct BoundaryTrackerTests {
    /// Messages of these sizes, one behind the other, and where each ends.
    private func stream(_ sizes: [Int]) -> (bytes: [UInt8], ends: Set<Int>) {
        var buffer = ByteBuffer()
        var ends: Set<Int> = [0]
        for size in sizes {
            Array(repeating: UInt8(0xFF), count: size).withUnsafeBytes { MessageFrame.append($0, to: &buffer) }
            ends.insert(buffer.count)
        }
        return (buffer.array, ends)
    }

    @Test("boundaries are seen wherever the stream is cut in three")
    func everySplit() {
        let (bytes, ends) = stream([3, 0, 1, 300, 0])
        for first in 0...bytes.count {
            for second in stride(from: first, through: bytes.count, by: 7) {
                var tracker = BoundaryTracker()
                bytes.withUnsafeBytes { bytes in
                    tracker.pass(UnsafeRawBufferPointer(rebasing: bytes[..<first]))
                    #expect(tracker.isAtBoundary == ends.contains(first))
                    tracker.pass(UnsafeRawBufferPointer(rebasing: bytes[first..<second]))
                    #expect(tracker.isAtBoundary == ends.contains(second))
                    tracker.pass(UnsafeRawBufferPointer(rebasing: bytes[second...]))
                }
                #expect(tracker.isAtBoundary)
                #expect(tracker.messageCount == 5)
            }
        }
    }

    @Test("boundaries are seen byte by byte")
    func byteByByte() {
        let (bytes, ends) = stream([0, 2, 70_000])
        var tracker = BoundaryTracker()
        bytes.withUnsafeBytes { bytes in
            for index in bytes.indices {
                #expect(tracker.isAtBoundary == ends.contains(index))
                tracker.pass(UnsafeRawBufferPointer(rebasing: bytes[index...index]))
            }
        }
        #expect(tracker.isAtBoundary)
        #expect(tracker.messageCount == 3)
    }

    @Test("bytes pass up to a message with an unknown flag, wherever they are cut", arguments: [1, 2, 5, 1000])
    func knownFlags(step: Int) {
        let known = stream([3, 0, 300]).bytes + [1, 0, 0, 0, 1, 9]
        for (bytes, passed) in [(known, known.count), (known + [2, 0, 0, 0, 0], known.count), (known + [0x80], known.count)] {
            var tracker = BoundaryTracker()
            var count = 0
            for start in stride(from: 0, to: bytes.count, by: step) {
                let piece = Array(bytes[start..<min(bytes.count, start + step)])
                let passed = piece.withUnsafeBytes { tracker.passKnown($0) }
                count += passed
                if passed < piece.count { break }
            }
            #expect(count == passed && tracker.isAtBoundary && tracker.messageCount == 4)
        }
    }

    @Test("the longest length does not overflow, and flags are not judged")
    func longest() {
        var tracker = BoundaryTracker()
        [UInt8(0x80), 0xFF, 0xFF, 0xFF, 0xFF, 1].withUnsafeBytes { tracker.pass($0) }
        #expect(!tracker.isAtBoundary)
        #expect(tracker.messageCount == 0)
    }
}
