internal import HTTPModel

/// The field section that arrives, or arrived last: sections never interleave (RFC 9113, section 4.3).
struct ArrivingSection {
    /// `nil` where the section belongs to no stream that we know.
    private(set) var stream: StreamPointer?
    /// Where its fields begin in the stream's block, which may hold an earlier section.
    private(set) var start = 0
    /// How far its fields may fill the stream's block: every section has the limit to itself.
    private var fieldsMax = 0
    private var bytesMax = 0
    /// Bytes of fields (name, value and 32 each) that were decoded and not kept.
    private var excessBytes = 0

    @inline(__always)
    mutating func begin(_ stream: StreamPointer, _ limits: borrowing SessionLimits) {
        self.stream = stream
        start = stream.pointee.fields.count
        fieldsMax = stream.pointee.fields.count + limits.fieldCount
        bytesMax = stream.pointee.fields.listBytes + limits.fieldListBytes
        excessBytes = 0
    }

    mutating func beginUnknown() {
        stream = nil
        excessBytes = 0
    }

    /// What still arrives of it belongs to no stream any more.
    @inline(__always)
    mutating func streamEnded(_ stream: StreamPointer) {
        if self.stream == stream { self.stream = nil }
    }

    /// Whether a field of so many bytes (name, value and 32) is kept by the stream.
    @inline(__always)
    func hasRoom(for bytes: Int, of stream: StreamPointer) -> Bool {
        guard stream.pointee.fields.count < fieldsMax else { return false }
        return stream.pointee.fields.listBytes + bytes <= bytesMax
    }

    /// Counts a field that is not kept.
    ///
    /// - Returns: the bytes of the section that have been decoded so far, kept or not.
    mutating func drop(_ bytes: Int, _ limits: borrowing SessionLimits) -> Int {
        excessBytes += bytes
        guard let stream else { return excessBytes }
        return excessBytes + stream.pointee.fields.listBytes - (bytesMax - limits.fieldListBytes)
    }

    /// Makes room for a field beside the limit, which has been counted as dropped.
    mutating func makeRoom(for bytes: Int) {
        fieldsMax += 1
        bytesMax += bytes
    }
}
