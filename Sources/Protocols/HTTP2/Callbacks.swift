internal import Bytes
// So that it is linked: nghttp2 calls its checks of fields.
internal import CFieldChecks
internal import CNghttp2
internal import Glibc
internal import HTTPModel

/// What nghttp2 calls: each puts what happened into the event queue and returns.
enum Callbacks {
    static func makeSession(
        _ role: Session.Role, _ limits: ConnectionLimits, _ memory: NGHTTP2Allocator
    ) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        var session: OpaquePointer?
        // All of these fail only without memory.
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0 else {
            fatalError("out of memory")
        }
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(options)
        }
        // What is chosen here, measured in instructions of a call (h2c -m 32). Fields are checked for upstreams too, whose malformed answers
        // no caller may get: that costs 680. Blanks around values are malformed (RFC 9113, section 8.2.1): 90.
        nghttp2_option_set_no_auto_window_update(options, 1)
        // None would cost 5,300 more, and one larger than peers announce, which is this size nearly always, changes nothing.
        nghttp2_option_set_max_deflate_dynamic_table_size(options, 4096)
        // `FloodGuard` counts resets: nghttp2 would end the connection with INTERNAL_ERROR, which does not tell the peer why.
        nghttp2_option_set_stream_reset_rate_limit(options, .max, .max)
        nghttp2_option_set_peer_max_concurrent_streams(options, 100)
        // Heads as large as a listener's `header_bytes` may be arrive, and go on: by default nghttp2 stops at 64 KiB.
        nghttp2_option_set_max_send_header_block_length(options, 2 << 20)
        // By default it ends the connection at the ninth CONTINUATION. A peer may cut its sections small.
        nghttp2_option_set_max_continuations(options, limits.continuationsMax)
        // Closed streams are of no use to us: priorities are not honoured (RFC 9113, section 5.3). Keeping them costs 100.
        nghttp2_option_set_no_closed_streams(options, 1)

        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
        nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            // A malformed field makes the message malformed (RFC 9113, section 8.1.1): RST_STREAM.
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, user in
            Callbacks.withSession(user) { $0.undelivered.deliveryStopped() }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, onBeginFrame)
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose)
        nghttp2_session_callbacks_set_send_data_callback(callbacks, sendData)

        let result =
            role == .server
            ? nghttp2_session_server_new3(&session, callbacks, nil, options, memory.pointer)
            : nghttp2_session_client_new3(&session, callbacks, nil, options, memory.pointer)
        guard result == 0, let session else { fatalError("out of memory") }
        return session
    }

    static func setUserData(of handle: OpaquePointer, to session: Session) {
        nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(session).toOpaque())
    }

    @inline(__always)
    static func withSession<Result>(_ user: UnsafeMutableRawPointer?, _ body: (Session) -> Result) -> Result {
        Unmanaged<Session>.fromOpaque(user!)._withUnsafeGuaranteedRef(body)
    }

    static let failure = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { handle, frame, user in
    Callbacks.withSession(user) { session in
        let id = frame!.pointee.hd.stream_id
        session.undelivered.deliveryBegan(id)
        if frame!.pointee.headers.cat != NGHTTP2_HCAT_REQUEST, let stream = session.stream(id) {
            session.sectionBegan(stream)
            return 0
        }
        session.section.beginUnknown()
        guard frame!.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else { return 0 }
        let stream = session.makeStream(id: id)
        nghttp2_session_set_stream_user_data(handle, id, stream.opaque)
        session.recent = stream
        stream.pointee.listener = session.requestListener
        session.sectionBegan(stream)
        return 0
    }
}

private let onHeader: nghttp2_on_header_callback = { _, _, name, nameCount, value, valueCount, flags, user in
    Callbacks.withSession(user) { session in
        let bytes = nameCount + valueCount + 32
        guard let stream = session.section.stream else { return session.dropField(bytes) ? 0 : Callbacks.failure }
        let nameBytes = UnsafeRawBufferPointer(start: name, count: nameCount)
        let valueBytes = UnsafeRawBufferPointer(start: value, count: valueCount)
        guard session.section.reserveSpace(for: bytes) else {
            session.keepEssential(nameBytes, valueBytes, of: stream)
            return session.dropField(bytes) ? 0 : Callbacks.failure
        }
        var fieldFlags = Field.Flags.borrowed
        if flags & UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) != 0 { fieldFlags.insert(.neverIndexed) }
        session.keepField(nameBytes, valueBytes, FieldToken(nameBytes), fieldFlags, of: stream)
        return session.section.stops ? session.pauseInSection() : 0
    }
}

private let onBeginFrame: nghttp2_on_begin_frame_callback = { _, header, user in
    // Nearly every frame.
    let (type, length) = (header!.pointee.type, header!.pointee.length)
    if type == UInt8(NGHTTP2_DATA.rawValue), length > 0 { return 0 }
    if type == UInt8(NGHTTP2_HEADERS.rawValue), length > 0, length <= UndeliveredSections.bytesFree { return 0 }
    return beganUncommonFrame(header!, user)
}

/// Out of line, so that the common frames pay for none of it.
@inline(never)
private func beganUncommonFrame(_ header: UnsafePointer<nghttp2_frame_hd>, _ user: UnsafeMutableRawPointer?) -> Int32 {
    return Callbacks.withSession(user) { session in
        let header = header.pointee
        switch Int(header.type) {
        case Int(NGHTTP2_DATA.rawValue), Int(NGHTTP2_HEADERS.rawValue), Int(NGHTTP2_CONTINUATION.rawValue):
            if header.type != UInt8(NGHTTP2_DATA.rawValue), header.length > 0 {
                let continues = header.type == UInt8(NGHTTP2_CONTINUATION.rawValue)
                return session.chargeSectionFrame(header.stream_id, header.length, continues: continues) ? 0 : Callbacks.failure
            }
            // An empty frame that ends its stream has a purpose; others have none.
            guard header.length == 0, header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) == 0,
                !session.flood.allowsEmptyFrame(session.limits)
            else { return 0 }
            session.misuse = .emptyFrameFlood
        case Int(NGHTTP2_SETTINGS.rawValue):
            guard header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0, !session.flood.allowsSettings(session.limits)
            else { return 0 }
            session.misuse = .settingsFlood
        case Int(NGHTTP2_RST_STREAM.rawValue):
            guard session.role == .server, !session.flood.allowsReset(session.limits) else { return 0 }
            session.misuse = .resetFlood
        case Int(NGHTTP2_PING.rawValue), Int(NGHTTP2_WINDOW_UPDATE.rawValue), Int(NGHTTP2_PRIORITY.rawValue):
            guard !session.flood.allowsControlFrame() else { return 0 }
            session.misuse = .controlFlood
        default:
            return 0
        }
        return Callbacks.failure
    }
}

private let onFrame: nghttp2_on_frame_recv_callback = { handle, frame, user in
    Callbacks.withSession(user) { session in
        let header = frame!.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            session.undelivered.deliveryEnded(header.stream_id)
            guard let stream = session.stream(header.stream_id) else { return 0 }
            session.sectionEnded(stream, ended: header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0)
        case NGHTTP2_DATA.rawValue:
            guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
                let stream = session.stream(header.stream_id)
            else { return 0 }
            session.receivedEnd(stream)
        case NGHTTP2_GOAWAY.rawValue:
            // nghttp2 closes all streams above the last one at once.
            session.events.reserve(session.streamCount)
            session.events.append(.connection(.goAway))
        case NGHTTP2_SETTINGS.rawValue:
            guard header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0 else { return 0 }
            session.peerFieldListBytesMax = PeerSettings.fieldListBytesMax(of: session.handle)
            session.events.append(.connection(.settingsChanged))
        case NGHTTP2_RST_STREAM.rawValue:
            session.stream(header.stream_id)?.pointee.flags.insert(.resetReceived)
        case NGHTTP2_PING.rawValue:
            guard header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 else { return 0 }
            let payload = withUnsafeBytes(of: frame!.pointee.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
            session.events.append(.connection(.pong(payload)))
        default:
            break
        }
        return 0
    }
}

private let onData: nghttp2_on_data_chunk_recv_callback = { handle, _, id, data, count, user in
    Callbacks.withSession(user) { session in
        session.connectionBytesReceived += count
        guard let stream = session.stream(id) else { return 0 }
        session.receivedData(stream, UnsafeRawBufferPointer(start: data, count: count))
        return session.events.isFull ? session.pause() : 0
    }
}

private let onStreamClose: nghttp2_on_stream_close_callback = { handle, id, code, user in
    Callbacks.withSession(user) { session in
        guard let stream = session.stream(id) else { return 0 }
        session.section.streamClosed(stream)
        // nghttp2 forgets the stream with this call, and our pointer to it.
        session.closed(stream, code: code)
        return 0
    }
}

/// nghttp2 asks how much body to put into the next frame; `sendData` then moves it.
let readBody: nghttp2_data_source_read_callback = { handle, id, _, wanted, flags, source, user in
    Callbacks.withSession(user) { session in
        let stream = StreamPointer(opaque: source!.pointee.ptr!)
        let available = stream.pointee.outbound.count
        let amount = min(available, wanted)
        // What a reset stream had left of its body is gone: an end would make the rest look complete.
        if amount == 0, stream.pointee.ending == .open || stream.pointee.flags.contains(.resetSent) {
            stream.pointee.flags.insert(.deferred)
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        var result = UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        if amount == available {
            switch stream.pointee.ending {
            case .open: break
            case .body:
                result |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
                stream.pointee.flags.insert(.localEnded)
            case .trailers:
                result |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) | UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
                session.submitTrailers(stream)
            }
        }
        flags!.pointee = result
        return amount
    }
}

private let sendData: nghttp2_send_data_callback = { _, frame, header, count, source, user in
    Callbacks.withSession(user) { session in
        guard let output = session.output else { return Callbacks.failure }
        // nghttp2 begins a DATA frame only where nothing else is queued: the heads before these resets have left.
        if !session.resets.isEmpty, session.heldFrame == nil { session.submitResets() }
        // nghttp2 goes from DATA frame to DATA frame by itself; this one waits for the next `produce`.
        let stream = StreamPointer(opaque: source!.pointee.ptr!)
        if output.pointee.count >= session.outputLimit || session.events.isFull {
            session.heldFrame = (stream, count)
            return NGHTTP2_ERR_WOULDBLOCK.rawValue
        }
        session.heldFrame = nil
        // An empty frame before trailers is useless, and one behind an end that was sent already would repeat it.
        if count == 0,
            frame!.pointee.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) == 0
                || stream.pointee.flags.contains(.endedDirectly)
        {
            return 0
        }
        output.pointee.bytes.append(UnsafeRawBufferPointer(start: header, count: 9))
        session.chunks._withUnsafeGuaranteedRef { output.pointee.take(count, from: &stream.pointee.outbound, pool: $0) }
        session.queuedBytes -= count
        session.flood.sentFrame(session.limits)
        stream.pointee.bodyBytesSent += count
        stream.pointee.lastActivity = session.now
        if count > 0 { session.events.appendDrained(stream, count) }
        return 0
    }
}
