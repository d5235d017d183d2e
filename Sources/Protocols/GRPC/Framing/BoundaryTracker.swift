/// Knows, of bytes that pass by, whether a message has just ended.
///
/// For proxied streams: it looks at five bytes a message, copies nothing and judges nothing, since what the two ends
/// say to each other in the flag is theirs. An answer cut short on a boundary may end in trailers, one within a message
/// may not.
package struct BoundaryTracker: Sendable {
    /// Payload bytes of the current message still to come.
    private var payloadRest: UInt32 = 0
    private var length: UInt32 = 0
    /// How many of the current header's bytes were seen; zero between messages and within a payload.
    private var headerSeen: UInt8 = 0
    /// Messages that have ended.
    package private(set) var messageCount: UInt64 = 0

    package init() {}

    package var isAtBoundary: Bool { payloadRest == 0 && headerSeen == 0 }

    package mutating func pass(_ bytes: UnsafeRawBufferPointer) {
        // Most messages come in one piece.
        if payloadRest == 0, headerSeen == 0, bytes.count >= MessageFrame.headerBytes {
            let whole = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
            if Int(whole) == bytes.count - MessageFrame.headerBytes {
                messageCount &+= 1
                return
            }
        }
        var index = 0
        while index < bytes.count {
            if payloadRest > 0 {
                let taken = min(Int(payloadRest), bytes.count - index)
                payloadRest -= UInt32(taken)
                index += taken
                if payloadRest == 0 { messageCount += 1 }
            } else if headerSeen == 0, bytes.count - index >= MessageFrame.headerBytes {
                begin(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index + 1, as: UInt32.self)))
                index += MessageFrame.headerBytes
            } else {
                if headerSeen > 0 { length = length << 8 | UInt32(bytes[index]) }
                headerSeen += 1
                index += 1
                if headerSeen == MessageFrame.headerBytes { begin(length) }
            }
        }
    }

    /// Passes bytes up to a message with a flag that native gRPC does not have, which in other protocols ends the stream.
    ///
    /// - Returns: how many bytes that were; fewer than all where there is such a message.
    package mutating func passKnown(_ bytes: UnsafeRawBufferPointer) -> Int { passMessages(bytes).passed }

    /// The same, with where messages end.
    ///
    /// - Returns: how many bytes were passed, and how many of these go up to the end of a message; zero where none ended.
    package mutating func passMessages(_ bytes: UnsafeRawBufferPointer) -> (passed: Int, whole: Int) {
        var index = 0
        var whole = 0
        while index < bytes.count {
            if payloadRest > 0 {
                let taken = min(Int(payloadRest), bytes.count - index)
                pass(UnsafeRawBufferPointer(rebasing: bytes[index..<(index + taken)]))
                index += taken
            } else {
                guard headerSeen > 0 || bytes[index] <= 1 else { break }
                let taken = headerSeen == 0 ? min(MessageFrame.headerBytes, bytes.count - index) : 1
                pass(UnsafeRawBufferPointer(rebasing: bytes[index..<(index + taken)]))
                index += taken
            }
            if isAtBoundary { whole = index }
        }
        return (index, whole)
    }

    private mutating func begin(_ payloadBytes: UInt32) {
        headerSeen = 0
        length = 0
        payloadRest = payloadBytes
        if payloadBytes == 0 { messageCount += 1 }
    }
}
