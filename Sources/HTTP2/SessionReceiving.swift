internal import CNghttp2
package import HTTPModel

/// What arrives, on its way from nghttp2 to the streams' handlers.
extension Session {
    /// HEADERS and its CONTINUATIONs are complete.
    func receivedSection(_ stream: StreamPointer, ended: Bool) {
        stream.pointee.lastActivity = now
        lastMessageFrame = now
        if ended { remoteEnded(stream) }
        guard !stream.pointee.flags.contains(.resetSent) else { return }
        if stream.pointee.flags.contains(.headReceived) {
            // Trailers; nghttp2 has made sure that they end the stream.
            stream.notify { $0.streamEnded(stream) }
            return
        }
        if role == .client, isInformational(stream) {
            stream.pointee.interimCount += 1
            guard stream.pointee.interimCount <= Self.interimMax else { return reset(stream, .enhanceYourCalm) }
            if stream.pointee.flags.contains(.headTooLarge) {
                // It may be left out (RFC 9110, section 15.2), and says nothing of the head that follows.
                stream.pointee.flags.remove(.headTooLarge)
            } else {
                stream.notify { $0.streamInformational(stream) }
            }
            // Trailers of the request may lie in the arena still; then a peer's 1xx heads count towards its limit.
            if stream.pointee.outboundTrailers == nil {
                stream.pointee.fields.reset()
            } else {
                stream.pointee.fields.forgetFields()
            }
            return
        }
        stream.pointee.flags.insert(.headReceived)
        stream.pointee.trailersStart = stream.pointee.fields.count
        stream.notify { $0.streamHead(stream, ended: ended) }
    }

    /// Answers before the answer: they cost the peer next to nothing, and no window holds them back.
    private static let interimMax: UInt8 = 100

    private func isInformational(_ stream: StreamPointer) -> Bool {
        guard let status = stream.pointee.fields.first(.status) else { return false }
        return status.valueCount == 3 && status.value[0] == UInt8(ascii: "1")
    }

    func receivedData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        stream.pointee.lastActivity = now
        lastMessageFrame = now
        stream.pointee.bodyBytesReceived += bytes.count
        guard !stream.pointee.flags.contains(.resetSent), stream.isHeard else {
            nghttp2_session_consume_stream(handle, stream.pointee.id, bytes.count)
            return
        }
        stream.pointee.unconsumed += bytes.count
        stream.notify { $0.streamData(stream, bytes) }
    }

    func receivedEnd(_ stream: StreamPointer) {
        stream.pointee.lastActivity = now
        remoteEnded(stream)
        guard !stream.pointee.flags.contains(.resetSent) else { return }
        stream.notify { $0.streamEnded(stream) }
    }

    private func remoteEnded(_ stream: StreamPointer) {
        stream.pointee.flags.insert(.remoteEnded)
        if stream.pointee.flags.contains(.endedUnseen) { closeUnseen(stream) }
    }

    func closed(_ stream: StreamPointer, code: UInt32) {
        let reason: StreamClose
        if code == ErrorCode.noError.rawValue {
            reason = .complete
        } else if role == .client, code == ErrorCode.refusedStream.rawValue {
            // By RST_STREAM, or because it lies above GOAWAY's last id: unprocessed either way (RFC 9113, section 8.7).
            reason = .unprocessed
        } else if stream.pointee.flags.isDisjoint(with: [.resetReceived, .resetSent]), code != ErrorCode.internalError.rawValue {
            reason = .malformed(code)
        } else {
            reason = .reset(code)
        }
        endStream(stream, reason)
        notify { $0.sessionStreamEnded() }
    }

    /// Gives `count` bytes of the stream's window back to the sender: they were accepted.
    package func consumed(_ stream: StreamPointer, _ count: Int) {
        stream.pointee.unconsumed -= count
        // Who has ended will send no more.
        guard !isDead, !stream.pointee.flags.contains(.remoteEnded) else { return }
        nghttp2_session_consume_stream(handle, stream.pointee.id, count)
    }
}
