internal import CNghttp2
internal import HTTPModel

/// Frames that cost us work in ways that nghttp2 tells of only by their headers: charged to `FloodGuard`. Only callers are charged
/// here: an upstream answers calls that we cancel with heads of any size.
extension Session {
    /// HEADERS or CONTINUATION begins.
    ///
    /// - Returns: false where the connection ends.
    func chargeSectionFrame(_ stream: Int32, _ bytes: Int, continues: Bool) -> Bool {
        guard role == .server else { return true }
        let charge = undelivered.frameBegan(stream, bytes: bytes, continues: continues)
        guard flood.allowsUndelivered(charge) else {
            misuse = .fieldFlood
            return false
        }
        return true
    }

    /// A RST_STREAM of ours that a peer's malformed frame provokes costs us a call as one of its own does.
    @inline(never)
    func recordReset(_ frame: UnsafeRawBufferPointer) {
        guard frame[3] == UInt8(NGHTTP2_RST_STREAM.rawValue), role == .server, frame.count >= 13 else { return }
        switch UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 9, as: UInt32.self)) {
        case NGHTTP2_PROTOCOL_ERROR.rawValue, NGHTTP2_FLOW_CONTROL_ERROR.rawValue, NGHTTP2_STREAM_CLOSED.rawValue,
            NGHTTP2_FRAME_SIZE_ERROR.rawValue:
            guard !flood.allowsReset(limits) else { return }
            fault = fault ?? .resetFlood
            terminate(.enhanceYourCalm)
        default: break
        }
    }
}
