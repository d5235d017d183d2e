internal import Bytes
internal import CNghttp2
package import HTTPModel

/// Streams that we reset.
extension Session {
    /// Resets the stream; its handler hears `streamClosed` when the frame has been sent. What waited to be sent is dropped
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
}
