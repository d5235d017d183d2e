internal import Bytes
internal import CNghttp2
package import HTTPModel

/// What arrives, on its way from nghttp2 to the event queue.
extension Session {
    // MARK: Sections

    /// HEADERS begins for a stream that we know. A further section is the final head after 1xx, or trailers.
    @inline(__always)
    func sectionBegan(_ stream: StreamPointer) {
        let waits = stream.pointee.flags.contains(.sectionWaits)
        if !waits, stream.pointee.flags.contains(.headRead) { stream.pointee.trailersStart = stream.pointee.fields.count }
        section.begin(
            stream, at: waits ? events.fieldCount : stream.pointee.fields.count, waits: waits,
            stops: events.isFull, limits)
    }

    /// One more field of the section.
    @inline(__always)
    func keepField(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ token: FieldToken, _ flags: Field.Flags,
        of stream: StreamPointer
    ) {
        if section.waits { return keepWaitingField(name, value, token, flags, of: stream) }
        stream.pointee.fields.append(name: name, value: value, token: token, flags: flags)
    }

    @inline(never)
    private func keepWaitingField(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ token: FieldToken, _ flags: Field.Flags,
        of stream: StreamPointer
    ) {
        events.append(stream.pointee.fields.keepField(name: name, value: value, token: token, flags: flags))
    }

    /// The fields that have arrived of the section, as far as they are kept.
    func arrivedFields(of stream: StreamPointer) -> UnsafeBufferPointer<Field> {
        let all =
            section.waits ? UnsafeBufferPointer(start: events.fields, count: events.fieldCount) : stream.pointee.fields.all
        return UnsafeBufferPointer(rebasing: all[min(section.start, all.count)...])
    }

    /// HEADERS and its CONTINUATIONs are complete.
    func sectionEnded(_ stream: StreamPointer, ended: Bool) {
        lastMessageFrame = now
        if ended { remoteEnded(stream) }
        let fields = StreamEvent.Section(
            waiting: section.waits ? Int32(section.start)..<Int32(events.fieldCount) : 0..<0, isTooLarge: section.isTooLarge)
        events.fieldBytes += section.keptBytes(limits)
        defer { section.ended() }
        if stream.pointee.flags.contains(.headRead) {
            // Trailers; nghttp2 has made sure that they end the stream.
            events.append(.ended(stream, fields))
        } else if role == .client, isInformational(stream) {
            guard informationalEnded(stream, fields) else { return }
        } else {
            stream.pointee.flags.insert(.headRead)
            events.append(.head(stream, fields, ended: ended))
        }
        stream.pointee.flags.insert(.sectionWaits)
    }

    /// - Returns: whether it is passed on.
    private func informationalEnded(_ stream: StreamPointer, _ fields: StreamEvent.Section) -> Bool {
        stream.pointee.interimCount += 1
        if stream.pointee.interimCount > Self.interimMax {
            reset(stream, .enhanceYourCalm)
            return false
        }
        guard fields.isTooLarge else {
            events.append(.informational(stream, fields))
            return true
        }
        // It may be left out (RFC 9110, section 15.2), and has no meaning for the head that follows.
        if section.waits { events.dropFields(from: section.start) } else { events.forgetInformational(of: stream) }
        return false
    }

    /// Answers before the answer: they cost the peer next to nothing, and no window holds them back.
    private static let interimMax: UInt8 = 100

    private func isInformational(_ stream: StreamPointer) -> Bool {
        let status =
            section.waits
            ? arrivedFields(of: stream).first { $0.token == .status } : stream.pointee.fields.first(.status, from: section.start)
        guard let status else { return false }
        return status.valueCount == 3 && status.value[0] == UInt8(ascii: "1")
    }

    /// Everything that waited has been delivered: what has arrived of a section that is not complete joins its stream's block.
    package func eventsDelivered() {
        if section.waits, let stream = section.stream { moveArrivedFields(to: stream) }
        events.dropFields(from: 0)
    }

    private func moveArrivedFields(to stream: StreamPointer) {
        let start = stream.pointee.fields.count
        if stream.pointee.flags.contains(.headRead) { stream.pointee.trailersStart = start }
        stream.pointee.fields.append(arrivedFields(of: stream))
        section.moved(to: start)
    }

    // MARK: Sections beyond the limit

    // Sections that are larger than `fieldListBytes` or `fieldCount` allows. Three ranges:
    //
    // - Up to the limit a section is kept whole.
    // - Above it, up to `sectionBytesMax`, it costs its call: decoding goes on, to keep the compression state (RFC 7541, section 2.2),
    //   and the fields that carry the call's outcome are kept.
    // - Beyond that, or where the connection has sent more in vain than `FloodGuard` allows, the connection ends.

    /// Drops a field of the section that arrives, of so many bytes (name, value and 32).
    ///
    /// - Returns: false where it has cost so much that the connection ends.
    func dropField(_ bytes: Int) -> Bool {
        if section.drop(bytes, limits) > limits.sectionBytesMax {
            misuse = .sectionTooLarge
        } else if !flood.allowsExcess(bytes) {
            misuse = .fieldFlood
        }
        return misuse == nil
    }

    /// Keeps, cut, what an answer in the caller's protocol is made from, though the section is too large already: its status, or
    /// what a refusal is made from. Each once in a section, beside the limit.
    func keepEssential(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of stream: StreamPointer) {
        let token = FieldToken(name)
        guard let kept = essentialBytes(name, value, token, of: stream) else { return }
        keepField(name, UnsafeRawBufferPointer(rebasing: value.prefix(kept)), token, .borrowed, of: stream)
    }

    private func essentialBytes(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ token: FieldToken, of stream: StreamPointer
    ) -> Int? {
        let bytesMax: Int
        switch (role, token) {
        case (.client, .grpcStatus), (.client, .status): bytesMax = 32
        case (.client, .grpcMessage), (.server, .path): bytesMax = Self.essentialBytesMax
        case (.server, .method): bytesMax = 256
        case (.server, _): return arrivedFields(of: stream).bytesKeptForRefusal(of: name, value, token)
        default: return nil
        }
        return arrivedFields(of: stream).holds(name, token) ? nil : min(value.count, bytesMax)
    }

    /// A little more than is passed on, so that the cut can be made at the end of a character.
    private static let essentialBytesMax = 4096 + 16

    /// HEADERS or CONTINUATION begins: what nghttp2 decodes without delivering it is charged to `FloodGuard`. Of callers only, because
    /// an upstream answers calls that we cancel with heads of any size.
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

    // MARK: Bodies and ends

    func receivedData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        lastMessageFrame = now
        events.append(.data(stream, bytes))
    }

    func receivedEnd(_ stream: StreamPointer) {
        remoteEnded(stream)
        events.append(.ended(stream, StreamEvent.Section()))
    }

    private func remoteEnded(_ stream: StreamPointer) {
        stream.pointee.flags.insert(.remoteEnded)
        if stream.pointee.flags.contains(.endedDirectly) { closeEndedDirectly(stream) }
    }

    /// nghttp2 knows the stream no more.
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
        close(stream)
        events.append(.closed(stream, reason))
    }

    /// Gives `count` bytes of the stream's window back to the sender: they were accepted.
    package func consumed(_ stream: StreamPointer, _ count: Int) {
        stream.pointee.unconsumed -= count
        giveBack(stream, count)
    }

    /// The same for bytes that were not delivered.
    package func giveBack(_ stream: StreamPointer, _ count: Int) {
        // Who has ended will send no more.
        guard stream.pointee.flags.isDisjoint(with: [.remoteEnded, .closed]) else { return }
        check(nghttp2_session_consume_stream(handle, stream.pointee.id, count))
    }
}
