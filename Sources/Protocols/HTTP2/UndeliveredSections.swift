/// What field sections cost that nghttp2 decodes without delivering their fields: a section of a stream that is closed, and the rest
/// of one behind a malformed field. Pure.
///
///     frame begins ──fields are delivered──▶ end of the section: free, `FloodGuard` has counted what was dropped
///          └── none are ──▶ charged with the next frame of a section, or at once where a CONTINUATION shows it
///
/// Of an undelivered section only the HEADERS frame is seen; `ConnectionLimits.continuationsMax` bounds what may follow it.
struct UndeliveredSections {
    /// HEADERS frames up to this are free, because peers cannot know yet which streams we have reset: they are not even looked at.
    static let bytesFree = 1024

    /// The stream of the section whose fields nghttp2 delivers; 0 between sections, and where it delivers none.
    private var deliveredStream: Int32 = 0
    /// Bytes on the wire of the section that has not been delivered to its end, and its stream.
    private var pendingBytes = 0
    private var pendingStream: Int32 = 0

    @inline(__always)
    mutating func deliveryBegan(_ stream: Int32) { deliveredStream = stream }

    /// A malformed field: nghttp2 delivers nothing of what follows in its section.
    mutating func deliveryStopped() { deliveredStream = 0 }

    @inline(__always)
    mutating func deliveryEnded(_ stream: Int32) {
        deliveredStream = 0
        if pendingBytes != 0, pendingStream == stream { pendingBytes = 0 }
    }

    /// A HEADERS or CONTINUATION frame begins.
    ///
    /// - Returns: the bytes to charge for what is now known to be undelivered.
    mutating func frameBegan(_ stream: Int32, bytes: Int, continues: Bool) -> Int {
        var charge = 0
        if !continues || stream != pendingStream { charge += takePending() }
        pendingStream = stream
        pendingBytes += continues ? bytes : bytes - Self.bytesFree
        if continues, stream != deliveredStream { charge += takePending() }
        return charge
    }

    /// A field that is indexed takes one byte on the wire, and nothing of it is kept: a byte costs an eighth of one of a field that
    /// is delivered.
    private mutating func takePending() -> Int {
        defer { pendingBytes = 0 }
        return pendingBytes >> 3
    }
}
