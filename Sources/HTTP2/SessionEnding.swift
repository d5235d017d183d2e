internal import Bytes
internal import CNghttp2
internal import HTTPModel

/// The ends of streams that wait for a window which they do not need.
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
        stream.pointee.flags.formUnion([.localEnded, .endedUnseen])
        stream.pointee.lastActivity = now
        flood.sentFrame(limits)
        // Three bytes of length, type, flags (section 4.1).
        for byte: UInt8 in [0, 0, 0, UInt8(NGHTTP2_DATA.rawValue), UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)] {
            output.bytes.append(byte: byte)
        }
        withUnsafeBytes(of: UInt32(bitPattern: stream.pointee.id).bigEndian) { output.bytes.append($0) }
        if stream.pointee.flags.contains(.remoteEnded) { closeUnseen(stream) }
    }

    /// Both sides have ended, and nghttp2 still waits for a window: RST_STREAM says nothing to a peer for whom the stream is closed.
    func closeUnseen(_ stream: StreamPointer) {
        guard stream.pointee.flags.isDisjoint(with: .ended) else { return }
        submitReset(stream, .noError)
    }
}
