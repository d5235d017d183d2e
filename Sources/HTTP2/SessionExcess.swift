internal import Bytes
internal import CNghttp2
internal import HTTPModel

/// Sections that are larger than `fieldListBytes` or `fieldCount` allows. Three ranges:
///
/// - Up to the limit a section is kept whole.
/// - Above it, up to `sectionBytesMax`, it costs its call: decoding goes on, to keep the compression state (RFC 7541, section 2.2),
///   and what tells the other side what became of the call is kept.
/// - Beyond that, or where the connection has sent more in vain than `FloodGuard` allows, the connection ends.
extension Session {
    /// False where it has cost so much that the connection ends.
    ///
    /// - Parameter stream: `nil` where the section belongs to none that we know.
    func dropField(_ bytes: Int, of stream: StreamPointer?) -> Bool {
        arrivingExcess += bytes
        var decoded = arrivingExcess
        if let stream {
            stream.pointee.flags.insert(.headTooLarge)
            decoded += stream.pointee.fields.listBytes - (arrivingBytesMax - limits.fieldListBytes)
        }
        if decoded > limits.sectionBytesMax {
            misuse = .sectionTooLarge
        } else if !flood.allowsExcess(bytes) {
            misuse = .fieldFlood
        }
        return misuse == nil
    }

    /// HEADERS or CONTINUATION begins. Of a section for a stream that is closed, and of one behind a malformed field, nghttp2
    /// tells us no fields, but decodes them. A small one is free: peers cannot know yet which streams we have reset. Of an
    /// ignored section only the HEADERS frame is seen; `continuationsMax` bounds what may follow it. Only callers are charged: an
    /// upstream answers calls that we cancel with heads of any size.
    ///
    /// - Returns: false where the connection ends.
    func beginSectionFrame(_ stream: Int32, _ bytes: Int, continues: Bool) -> Bool {
        guard role == .server else { return true }
        var isAllowed = true
        if !continues || stream != unheardStream { isAllowed = chargeUnheard() }
        unheardStream = stream
        unheardBytes += continues ? bytes : bytes - Self.unheardBytesFree
        if continues, stream != heardSection { isAllowed = chargeUnheard() && isAllowed }
        if !isAllowed { misuse = .fieldFlood }
        return isAllowed
    }

    private func chargeUnheard() -> Bool {
        defer { unheardBytes = 0 }
        return flood.allowsUnheard(unheardBytes)
    }

    /// HEADERS frames up to this are not even looked at.
    static let unheardBytesFree = 1024

    /// A RST_STREAM of ours that a peer's malformed frame provokes costs us a call as one of its own does.
    @inline(never)
    func noteReset(_ frame: UnsafeRawBufferPointer) {
        guard frame[3] == UInt8(NGHTTP2_RST_STREAM.rawValue), role == .server, frame.count >= 13 else { return }
        switch UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 9, as: UInt32.self)) {
        case NGHTTP2_PROTOCOL_ERROR.rawValue, NGHTTP2_FLOW_CONTROL_ERROR.rawValue, NGHTTP2_STREAM_CLOSED.rawValue,
            NGHTTP2_FRAME_SIZE_ERROR.rawValue:
            guard !flood.allowsReset(limits) else { return }
            fault = fault ?? .resetFlood
            check(nghttp2_session_terminate_session(handle, ErrorCode.enhanceYourCalm.rawValue))
        default: break
        }
    }

    /// Keeps, cut, what an answer in the caller's protocol is made from, though the section is too large already: its status,
    /// or what the caller speaks. Each once in a section, beside the limit.
    func keepEssential(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of stream: StreamPointer) {
        let token = FieldToken(name)
        let bytesMax: Int
        switch (role, token) {
        case (.client, .grpcStatus), (.client, .status): bytesMax = 32
        case (.client, .grpcMessage): bytesMax = Self.essentialBytesMax
        case (.server, .contentType), (.server, .method), (.server, .userAgent): bytesMax = 256
        case (.server, .path): bytesMax = Self.essentialBytesMax
        case (.server, .other) where name.equals("connect-protocol-version"): bytesMax = 32
        default: return
        }
        // No second one; those without a token have their names compared.
        for field in stream.pointee.fields.all[arrivingStart...] where field.token == token {
            if token != .other || field.nameBytes.elementsEqual(name) { return }
        }
        stream.pointee.fields.append(
            name: name, value: UnsafeRawBufferPointer(rebasing: value.prefix(bytesMax)), token: token)
        // It has been counted as thrown away.
        arrivingBytesMax += name.count + min(value.count, bytesMax) + 32
        arrivingFieldsMax += 1
    }

    /// A little more than is passed on, so that the cut can be made at the end of a character.
    private static let essentialBytesMax = 4096 + 16
}
