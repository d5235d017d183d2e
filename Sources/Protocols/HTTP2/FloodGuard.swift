internal import HTTPModel

/// Counts the frames, and the fields, that cost us work and the peer nothing. Pure: the second is handed in.
struct FloodGuard {
    private var second: UInt64 = 0
    private var settings = 0
    private var emptyFrames = 0
    /// Control frames that the peer may still send: refilled every second, and more for every frame of ours.
    private var controlFramesLeft = controlFramesFree

    /// Bytes of fields beyond their section's limit that the peer may still send: they are decoded and thrown away.
    private var excessBytesLeft = excessBytesMax
    /// What was thrown away since the connection began.
    private(set) var excessFields = 0
    private(set) var excessBytes = 0

    /// Streams that the peer ended before their time lately, by RST_STREAM or by frames that made us send one.
    private var resets: UInt64 = 0
    private var resetsSecond: UInt64 = 0

    /// Saved up by a connection that sends none, and given back each second.
    static let excessBytesMax = 256 << 10
    static let excessBytesPerSecond: UInt64 = 64 << 10

    private static let controlFramesFree = 1000
    /// A connection that only sends saves no more than this up.
    private static let controlFramesMax = 1_000_000

    mutating func enter(second now: UInt64) {
        guard now != second else { return }
        if excessBytesLeft < Self.excessBytesMax {
            // Four seconds fill it.
            let given = Int(min(now &- second, 4) * Self.excessBytesPerSecond)
            excessBytesLeft = min(Self.excessBytesMax, excessBytesLeft + given)
        }
        second = now
        settings = 0
        emptyFrames = 0
        controlFramesLeft = max(controlFramesLeft, Self.controlFramesFree)
    }

    /// A HEADERS or DATA frame is made for the peer.
    @inline(__always)
    mutating func sentFrame(_ limits: borrowing ConnectionLimits) {
        guard controlFramesLeft < Self.controlFramesMax else { return }
        controlFramesLeft += limits.controlFramesPerFrameSent
    }

    mutating func allowsSettings(_ limits: borrowing ConnectionLimits) -> Bool {
        settings += 1
        return settings <= limits.settingsPerSecond
    }

    mutating func allowsEmptyFrame(_ limits: borrowing ConnectionLimits) -> Bool {
        emptyFrames += 1
        return emptyFrames <= limits.emptyFramesPerSecond
    }

    mutating func allowsControlFrame() -> Bool {
        controlFramesLeft -= 1
        return controlFramesLeft >= 0
    }

    mutating func allowsReset(_ limits: borrowing ConnectionLimits) -> Bool {
        let (given, overflows) = (second &- resetsSecond).multipliedReportingOverflow(by: limits.resetsPerSecond)
        resetsSecond = second
        resets -= overflows ? resets : min(resets, given)
        resets += 1
        return resets <= limits.resetBurst
    }

    /// Sections were decoded without delivering their fields: `bytes` is what `UndeliveredSections` charges for them.
    mutating func allowsUndelivered(_ bytes: Int) -> Bool {
        excessBytesLeft -= bytes
        return excessBytesLeft >= 0
    }

    /// A field of so many bytes (name, value and 32) was decoded for nothing. Within a frame: one of 16 KiB can stand for 64 MiB.
    mutating func allowsExcess(_ bytes: Int) -> Bool {
        excessFields += 1
        excessBytes += bytes
        excessBytesLeft -= bytes
        return excessBytesLeft >= 0
    }
}
