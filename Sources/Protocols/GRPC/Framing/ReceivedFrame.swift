package import Bytes

/// The five bytes before a message that arrives, as its sender wrote them (see `MessageFrame`).
package struct ReceivedFrame: Sendable {
    package let isCompressed: Bool
    package let payloadBytes: Untrusted<UInt32>

    /// `header` holds at least five bytes. `nil` where bits are set that native gRPC reserves.
    package init?(header: UnsafeRawBufferPointer) {
        guard header[0] <= 1 else { return nil }
        isCompressed = header[0] == 1
        payloadBytes = Untrusted(UInt32(bigEndian: header.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    }
}
