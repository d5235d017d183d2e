package import Bytes
internal import CNghttp2
package import HTTPModel

/// What is sent, on its way to nghttp2. The owner marks its connection dirty.
extension Session {
    /// A stream for a request of ours, to be submitted next: what its fields are made of is written into its arena.
    package func makeStream() -> StreamPointer { makeStream(id: 0) }

    /// Begins the request. Field bytes that are not literals must lie in the stream's own arena; pseudo-header fields come first.
    ///
    /// Throws where nghttp2 has no identifier left (RFC 9113, section 5.1.1), the connection is about to end, or the peer takes no
    /// head as large. The stream is then no more.
    package func submitRequest(
        _ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool
    ) throws(RequestRefusal) {
        if peerFieldListBytesMax < .max, fields.listBytes > peerFieldListBytesMax {
            discard(stream)
            throw .headTooLarge(bytes: fields.listBytes, bytesMax: peerFieldListBytesMax)
        }
        guard fault == nil else {
            discard(stream)
            throw .noStream
        }
        var provider = nghttp2_data_provider()
        provider.source.ptr = stream.opaque
        provider.read_callback = readBody
        let id = fields.withMemoryRebound(to: nghttp2_nv.self) { fields in
            ended
                ? nghttp2_submit_request(handle, nil, fields.baseAddress, fields.count, nil, stream.opaque)
                : nghttp2_submit_request(handle, nil, fields.baseAddress, fields.count, &provider, stream.opaque)
        }
        guard id > 0 else {
            if id != NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE.rawValue { check(id) }
            discard(stream)
            throw .noStream
        }
        stream.pointee.id = id
        flood.sentFrame(limits)
        stream.pointee.flags.insert(.headSent)
        if ended { stream.pointee.flags.insert(.localEnded) }
    }

    private func discard(_ stream: StreamPointer) {
        close(stream)
        release(stream)
    }

    /// Answers a request. Field bytes that are not literals must lie in the stream's own arena.
    package func submitResponse(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool) {
        guard canSend(stream) else { return }
        stream.pointee.flags.insert(.headSent)
        stream.pointee.headMark = productions
        submitHead(of: stream, fields, ended: ended)
    }

    @inline(__always)
    func submitHead(of stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool) {
        flood.sentFrame(limits)
        if ended { stream.pointee.flags.insert(.localEnded) }
        var provider = nghttp2_data_provider()
        provider.source.ptr = stream.opaque
        provider.read_callback = readBody
        let result = fields.withMemoryRebound(to: nghttp2_nv.self) { fields in
            ended
                ? nghttp2_submit_response(handle, stream.pointee.id, fields.baseAddress, fields.count, nil)
                : nghttp2_submit_response(handle, stream.pointee.id, fields.baseAddress, fields.count, &provider)
        }
        check(result)
    }

    /// Sends a 1xx head before the response.
    package func submitInformational(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        guard canSend(stream), !stream.pointee.flags.contains(.headSent) else { return }
        let result = fields.withMemoryRebound(to: nghttp2_nv.self) { fields in
            nghttp2_submit_headers(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id, nil, fields.baseAddress, fields.count, nil)
        }
        check(result)
    }

    /// Queues body bytes, copied.
    package func send(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        chunks._withUnsafeGuaranteedRef { stream.pointee.outbound.append(bytes, from: $0) }
        queuedBytes += bytes.count
        resume(stream)
    }

    /// Queues what has arrived, without a copy of what is large.
    package func send(_ stream: StreamPointer, _ slice: BufferSlice) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        chunks._withUnsafeGuaranteedRef { stream.pointee.outbound.append(slice, from: $0) }
        queuedBytes += slice.count
        resume(stream)
    }

    /// Queues what `chain` has from `offset` on, which both then read.
    package func send(_ stream: StreamPointer, sharing chain: ByteChain, from offset: Int) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        let before = stream.pointee.outbound.count
        chunks._withUnsafeGuaranteedRef { stream.pointee.outbound.append(sharing: chain, from: offset, pool: $0) }
        queuedBytes += stream.pointee.outbound.count - before
        resume(stream)
    }

    /// Nothing follows the body that waits.
    package func finish(_ stream: StreamPointer) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.ending = .body
        resume(stream)
        if stream.pointee.outbound.isEmpty { endings.append(stream) }
    }

    /// These trailers follow the body that waits; their bytes, and the array, must lie in the stream's own arena.
    package func finish(_ stream: StreamPointer, trailers: UnsafeMutableBufferPointer<Field>) {
        guard canSend(stream), case .open = stream.pointee.ending else { return }
        stream.pointee.ending = .trailers
        stream.pointee.outboundTrailers = trailers
        guard stream.pointee.outbound.isEmpty else { return resume(stream) }
        // HEADERS need no window, but nghttp2 asks for the end of a body only where there is one.
        if stream.pointee.flags.contains(.headWaits) { submitWaitingHead(of: stream) }
        if isOpen(stream) { return submitTrailers(stream) }
        resume(stream)
        endings.append(stream)
    }

    func canSend(_ stream: StreamPointer) -> Bool {
        stream.pointee.flags.isDisjoint(with: .unsendable)
    }

    private func resume(_ stream: StreamPointer) {
        guard stream.pointee.flags.contains(.deferred) else { return }
        stream.pointee.flags.remove(.deferred)
        let result = nghttp2_session_resume_data(handle, stream.pointee.id)
        // A stream without deferred data: then there is nothing to resume.
        if result != NGHTTP2_ERR_INVALID_ARGUMENT.rawValue { check(result) }
    }

    func submitTrailers(_ stream: StreamPointer) {
        guard let trailers = stream.pointee.outboundTrailers, !stream.pointee.flags.contains(.localEnded) else { return }
        stream.pointee.flags.insert(.localEnded)
        stream.pointee.headMark = productions
        let result = UnsafeBufferPointer(trailers).withMemoryRebound(to: nghttp2_nv.self) { fields in
            nghttp2_submit_trailer(handle, stream.pointee.id, fields.baseAddress, fields.count)
        }
        check(result)
    }

    // MARK: The connection

    /// The first step of leaving: no new streams, but those on the wire are still served (RFC 9113, section 6.8).
    package func announceShutdown() {
        check(nghttp2_submit_shutdown_notice(handle))
    }

    /// GOAWAY with the last stream that we have seen.
    package func goAway(_ code: ErrorCode) {
        check(
            nghttp2_submit_goaway(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(handle),
                code.rawValue, nil, 0))
    }

    /// SETTINGS that change nothing: the peer must acknowledge them.
    package func submitEmptySettings() {
        check(nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil, 0))
    }

    package func ping(_ payload: UInt64) {
        withUnsafeBytes(of: payload) { bytes in
            check(
                nghttp2_submit_ping(
                    handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)))
        }
    }
}

/// Heads of answers that may be withdrawn: nghttp2 gives nothing back that was submitted to it, so they wait here until `produce`.
///
/// An upstream may break in the tick in which its answer began. While the caller has got nothing of it, a refusal says more than RST_STREAM.
extension Session {
    /// As `submitResponse` of an answer that goes on, but for that it may be withdrawn.
    package func holdResponse(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        guard canSend(stream) else { return }
        stream.pointee.flags.formUnion([.headSent, .headWaits])
        stream.pointee.headMark = productions
        heads.append((stream, stream.pointee.fields.keepFields(fields)))
    }

    /// Takes back a head that waits, and all that was sent behind it.
    package func withdrawHead(of stream: StreamPointer) {
        guard stream.pointee.flags.contains(.headWaits) else { return }
        dropHead(of: stream)
        queuedBytes -= stream.pointee.outbound.count
        stream.pointee.outbound.removeAll(pool: pool.chunks)
        stream.pointee.ending = .open
        stream.pointee.outboundTrailers = nil
        if !endings.isEmpty { endings.removeAll { $0 == stream } }
    }

    /// The head has not been sent.
    func dropHead(of stream: StreamPointer) {
        heads.removeAll { $0.stream == stream }
        stream.pointee.flags.subtract([.headSent, .headWaits])
    }

    func submitHeads() {
        for (stream, fields) in heads {
            stream.pointee.flags.remove(.headWaits)
            // `produce` may have no room for it: a reset behind that must wait for it.
            stream.pointee.headMark = productions
            submitHead(of: stream, UnsafeBufferPointer(fields), ended: false)
        }
        heads.removeAll(keepingCapacity: true)
    }

    /// Something follows that nghttp2 must not get before it.
    func submitWaitingHead(of stream: StreamPointer) {
        guard let index = heads.firstIndex(where: { $0.stream == stream }) else { return }
        stream.pointee.flags.remove(.headWaits)
        submitHead(of: stream, UnsafeBufferPointer(heads.remove(at: index).fields), ended: false)
    }
}
