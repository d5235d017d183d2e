internal import Bytes
internal import CNghttp2
package import HTTPModel

/// Ends of streams that nghttp2 would put off or overtake: those that wait for a window which they do not need, and resets.
///
/// Only what a DATA frame carries is flow-controlled (RFC 9113, section 5.2.1): trailers may always be sent, and so may an empty
/// DATA frame with END_STREAM (section 6.9.1). nghttp2 lets no DATA frame pass while a window is zero. Therefore a stream that
/// ends with nothing left of its body is remembered here, and looked at once nghttp2 has nothing more to send, or `produce` no room.
extension Session {
    /// nghttp2 knows the stream: a request's head has been sent. Then trailers behind it are in order.
    func isOpen(_ stream: StreamPointer) -> Bool {
        role == .server || nghttp2_session_get_stream_user_data(handle, stream.pointee.id) != nil
    }

    /// Ends the streams that nghttp2 has not, which it would only do with a window. At a frame's boundary.
    ///
    /// - Parameter all: nghttp2 has nothing more to send. Else only those are ended that have no window of their own: other streams may
    ///   have bodies to send for ever.
    /// - Returns: true where nghttp2 has something to send again.
    func endBlockedStreams(into output: inout GatherBuffer, all: Bool) -> Bool {
        var isWorthAsking = false
        endings.removeAll { stream in
            guard stream.pointee.flags.isDisjoint(with: .unsendable) else { return true }
            // Beyond the streams that the peer allows: it comes again.
            guard isOpen(stream) else { return false }
            if !all, nghttp2_session_get_stream_remote_window_size(handle, stream.pointee.id) > 0 { return false }
            if case .trailers = stream.pointee.ending {
                submitTrailers(stream)
                isWorthAsking = true
            } else {
                sendEmptyEnd(of: stream, into: &output)
                isWorthAsking = isWorthAsking || stream.pointee.flags.contains(.remoteEnded)
            }
            return true
        }
        return isWorthAsking
    }

    /// An empty DATA frame with END_STREAM that nghttp2 does not know of.
    private func sendEmptyEnd(of stream: StreamPointer, into output: inout GatherBuffer) {
        stream.pointee.flags.formUnion([.localEnded, .endedDirectly])
        stream.pointee.lastActivity = now
        flood.sentFrame(limits)
        // Three bytes of length, type, flags (section 4.1).
        for byte: UInt8 in [0, 0, 0, UInt8(NGHTTP2_DATA.rawValue), UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)] {
            output.bytes.append(byte: byte)
        }
        withUnsafeBytes(of: UInt32(bitPattern: stream.pointee.id).bigEndian) { output.bytes.append($0) }
        if stream.pointee.flags.contains(.remoteEnded) { closeEndedDirectly(stream) }
    }

    /// Both sides have ended, and nghttp2 still waits for a window: RST_STREAM is ignored by a peer for which the stream is closed.
    func closeEndedDirectly(_ stream: StreamPointer) {
        guard stream.pointee.flags.isDisjoint(with: .ended) else { return }
        submitReset(stream, .noError)
    }

    // MARK: Resets

    /// Resets the stream; its handler gets `streamClosed` when the frame has been sent. What waited to be sent is dropped
    /// now: a peer that reads nothing does not even let the frame out.
    ///
    /// The head, or the trailers, of an answer that were submitted just before are not dropped, as nghttp2 would: they leave first, so that the peer is told
    /// what the log tells, and a complete answer is one (RFC 9113, section 8.1).
    package func reset(_ stream: StreamPointer, _ code: ErrorCode) {
        guard !stream.pointee.flags.contains(.resetSent) else { return }
        // What waits of it in the event queue is not delivered.
        stream.pointee.flags.insert(.resetSent)
        guard !stream.pointee.flags.contains(.closed) else { return }
        if isSectionQueued(stream) { resets.append((stream, code)) } else { submitReset(stream, code) }
        let waiting = stream.pointee.outbound.count
        let kept = heldFrame.map { $0.stream == stream ? $0.count : 0 } ?? 0
        stream.pointee.outbound.truncate(to: kept, pool: pool.chunks)
        queuedBytes -= waiting - stream.pointee.outbound.count
    }

    /// nghttp2 has a head or trailers of ours for the stream, and `produce` has not asked for it.
    private func isSectionQueued(_ stream: StreamPointer) -> Bool {
        role == .server && stream.pointee.flags.contains(.headSent) && stream.pointee.headMark == productions
    }

    /// The resets that wait for a head, to be called once nghttp2 has nothing more to send, or nothing but DATA: other streams may
    /// have that for ever.
    func submitResets() {
        for (stream, code) in resets { submitReset(stream, code) }
        resets.removeAll(keepingCapacity: true)
    }

    func submitReset(_ stream: StreamPointer, _ code: ErrorCode) {
        check(nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id, code.rawValue))
    }

    /// A RST_STREAM of ours that a peer's malformed frame provokes costs us a call as one of its own does.
    func recordReset(_ frame: UnsafeRawBufferPointer) {
        guard role == .server, frame.count >= 13 else { return }
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
