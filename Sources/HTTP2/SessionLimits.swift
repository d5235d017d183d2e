/// What a peer may ask of us on one connection.
package struct SessionLimits: Sendable, Equatable {
    /// Streams open at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var streams: UInt32
    /// Fields in one head or trailer section.
    package var fieldCount: Int
    /// Name, value and 32 bytes a field (SETTINGS_MAX_HEADER_LIST_SIZE).
    package var fieldListBytes: Int
    /// What a stream may send before its receiver accepts it.
    package var streamWindowBytes: Int32
    /// What a connection may send before it is received: given back on receipt, so it bounds one flight and no memory.
    package var connectionWindowBytes: Int32
    /// RST_STREAM frames: a burst, and how many a second are given back.
    package var resetBurst: UInt64
    package var resetsPerSecond: UInt64
    /// SETTINGS frames, and empty DATA or HEADERS frames, a second.
    package var settingsPerSecond: Int
    package var emptyFramesPerSecond: Int
    /// PING and WINDOW_UPDATE frames that a peer may send for each DATA or HEADERS frame we sent, beside 1,000 a second:
    /// gRPC clients PING once a round trip to measure bandwidth, and now and then to keep a connection.
    package var controlFramesPerFrameSent: Int

    package static let defaults = SessionLimits(
        streams: 100, fieldCount: 100, fieldListBytes: 60 << 10, streamWindowBytes: 256 << 10,
        connectionWindowBytes: 4 << 20, resetBurst: 1000, resetsPerSecond: 100, settingsPerSecond: 32,
        emptyFramesPerSecond: 100, controlFramesPerFrameSent: 10)

    package init(
        streams: UInt32, fieldCount: Int, fieldListBytes: Int, streamWindowBytes: Int32, connectionWindowBytes: Int32,
        resetBurst: UInt64, resetsPerSecond: UInt64, settingsPerSecond: Int, emptyFramesPerSecond: Int,
        controlFramesPerFrameSent: Int
    ) {
        self.streams = streams
        self.fieldCount = fieldCount
        self.fieldListBytes = fieldListBytes
        self.streamWindowBytes = streamWindowBytes
        self.connectionWindowBytes = connectionWindowBytes
        self.resetBurst = resetBurst
        self.resetsPerSecond = resetsPerSecond
        self.settingsPerSecond = settingsPerSecond
        self.emptyFramesPerSecond = emptyFramesPerSecond
        self.controlFramesPerFrameSent = controlFramesPerFrameSent
    }
}

/// Counts the frames that cost us work and the peer nothing. Pure: the second is handed in.
struct FloodGuard {
    private var second: UInt64 = 0
    private var settings = 0
    private var emptyFrames = 0
    /// Control frames that the peer may still send: refilled every second, and more for every frame of ours.
    private var controlFramesLeft = controlFramesFree

    private static let controlFramesFree = 1000
    /// A connection that only sends saves no more than this up.
    private static let controlFramesMax = 1_000_000

    mutating func enter(second now: UInt64) {
        guard now != second else { return }
        second = now
        settings = 0
        emptyFrames = 0
        controlFramesLeft = max(controlFramesLeft, Self.controlFramesFree)
    }

    /// A HEADERS or DATA frame is made for the peer.
    @inline(__always)
    mutating func sentFrame(_ limits: borrowing SessionLimits) {
        guard controlFramesLeft < Self.controlFramesMax else { return }
        controlFramesLeft += limits.controlFramesPerFrameSent
    }

    mutating func allowsSettings(_ limits: borrowing SessionLimits) -> Bool {
        settings += 1
        return settings <= limits.settingsPerSecond
    }

    mutating func allowsEmptyFrame(_ limits: borrowing SessionLimits) -> Bool {
        emptyFrames += 1
        return emptyFrames <= limits.emptyFramesPerSecond
    }

    mutating func allowsControlFrame() -> Bool {
        controlFramesLeft -= 1
        return controlFramesLeft >= 0
    }
}
