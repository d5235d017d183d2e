/// What a peer may ask of us on one connection.
package struct ConnectionLimits: Sendable, Equatable {
    /// Streams open at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var streams: UInt32
    /// Fields in one head or trailer section.
    package var fieldCount: Int
    /// Name, value and 32 bytes a field (SETTINGS_MAX_HEADER_LIST_SIZE). A section above it costs its call.
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

    /// Above this a section costs the connection, counted as `fieldListBytes` is. A listener's limit may lie near it.
    package var sectionBytesMax: Int { max(256 << 10, fieldListBytes + 64 << 10) }

    /// CONTINUATION frames in a section, more than which cost the connection: as large a section as may be, 256 bytes a frame.
    package var continuationsMax: Int { sectionBytesMax >> 8 }

    package static let defaults = ConnectionLimits(
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
