internal import CNghttp2
internal import HTTPModel

extension SessionFault {
    init(_ misuse: Session.Misuse) {
        switch misuse {
        case .settingsFlood: self = .settingsFlood
        case .emptyFrameFlood: self = .emptyFrameFlood
        case .controlFlood: self = .controlFlood
        case .resetFlood: self = .resetFlood
        case .fieldFlood: self = .fieldFlood
        case .sectionTooLarge: self = .sectionTooLarge
        case .codec(let result):
            switch result {
            // Answers to PING and SETTINGS that the peer does not read.
            case NGHTTP2_ERR_FLOODED.rawValue: self = .controlFlood
            case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: self = .protocolError
            // Memory is out, or a callback of ours has failed.
            default: self = .internalError
            }
        }
    }

    /// NGHTTP2_ERR_TOO_MANY_CONTINUATIONS, which not every header file of 1.52 names.
    static let tooManyContinuations: Int32 = -905

    /// By the GOAWAY that nghttp2 sends of its own accord; `nil` for NO_ERROR.
    init?(sent code: ErrorCode) {
        switch code {
        case .noError: return nil
        case .compressionError: self = .headerCompression
        // It could not compress our fields, for want of memory.
        case .internalError: self = .internalError
        default: self = .protocolError
        }
    }
}
