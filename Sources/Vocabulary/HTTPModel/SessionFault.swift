/// Why we end a connection that its peer would have gone on with: one word for logs and counters.
package enum SessionFault: UInt8, CaseIterable, Sendable {
    case settingsFlood, emptyFrameFlood, controlFlood, resetFlood
    /// Sections beyond the limit, one after the other, or an HPACK bomb.
    case fieldFlood
    /// One section beyond what any call may cost, or in too many CONTINUATION frames.
    case sectionTooLarge
    /// nghttp2 cannot read on behind a string of more than 65,536 encoded bytes, or one that is malformed.
    case headerCompression
    /// Everything else that RFC 9113 calls a connection error.
    case protocolError
    /// The codec itself has failed, mostly for want of memory: no fault of the peer.
    case internalError

    /// A limit of ours has ended it, which is no sign of how well the peer answers.
    package var isLimit: Bool { self != .protocolError && self != .internalError }

    package var word: StaticString {
        switch self {
        case .settingsFlood: "settings_flood"
        case .emptyFrameFlood: "empty_frame_flood"
        case .controlFlood: "control_frame_flood"
        case .resetFlood: "reset_flood"
        case .fieldFlood: "header_flood"
        case .sectionTooLarge: "header_section_too_large"
        case .headerCompression: "header_compression"
        case .protocolError: "protocol_error"
        case .internalError: "internal_error"
        }
    }
}
