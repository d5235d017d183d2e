internal import HTTPModel

/// The field section that arrives, or arrived last: sections never interleave (RFC 9113, section 4.3).
struct ArrivingSection {
    /// `nil` where the section belongs to no stream that we know.
    private(set) var stream: StreamPointer?
    /// Its fields wait in the event queue, because an earlier section of the stream is still to be announced.
    private(set) var waits = false
    /// Where its fields begin: in the queue, or in the stream's block, which may hold an earlier section.
    private(set) var start = 0
    /// What may still be kept: every section has the limit to itself.
    private var fieldsLeft = 0
    private var bytesLeft = 0
    /// The event queue was full when it began: its first field is the place to stop.
    private(set) var stops = false
    /// More arrived than is kept.
    private(set) var isTooLarge = false
    /// Bytes of fields (name, value and 32 each) that were decoded and not kept.
    private var excessBytes = 0

    @inline(__always)
    mutating func begin(_ stream: StreamPointer, at start: Int, waits: Bool, stops: Bool, _ limits: borrowing ConnectionLimits) {
        self.stream = stream
        self.waits = waits
        self.stops = stops
        self.start = start
        fieldsLeft = limits.fieldCount
        bytesLeft = limits.fieldListBytes
        isTooLarge = false
        excessBytes = 0
    }

    mutating func beginUnknown() {
        stream = nil
        waits = false
        excessBytes = 0
    }

    /// It is complete.
    @inline(__always)
    mutating func ended() {
        stream = nil
        waits = false
    }

    /// What still arrives of it belongs to no stream any more.
    @inline(__always)
    mutating func streamClosed(_ stream: StreamPointer) {
        if self.stream == stream { beginUnknown() }
    }

    /// The fields that waited stand in the stream's block now, from `start` on.
    mutating func moved(to start: Int) {
        waits = false
        self.start = start
    }

    mutating func stopped() { stops = false }

    /// Takes room for a field of so many bytes (name, value and 32); false where there is none.
    @inline(__always)
    mutating func reserveSpace(for bytes: Int) -> Bool {
        guard fieldsLeft > 0, bytes <= bytesLeft else { return false }
        fieldsLeft &-= 1
        bytesLeft &-= bytes
        return true
    }

    /// Counts a field that is not kept.
    ///
    /// - Returns: the bytes of the section that have been decoded so far, kept or not.
    mutating func drop(_ bytes: Int, _ limits: borrowing ConnectionLimits) -> Int {
        excessBytes += bytes
        guard stream != nil else { return excessBytes }
        isTooLarge = true
        return excessBytes + limits.fieldListBytes - bytesLeft
    }

    /// Its bytes as far as they are kept.
    func keptBytes(_ limits: borrowing ConnectionLimits) -> Int { limits.fieldListBytes - bytesLeft }
}
