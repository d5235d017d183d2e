package import HTTPModel

extension SessionFault {
    /// What a server connection ends with because of a request that cannot be read; `nil` for what is no fault of its form: a feature
    /// that is not there, or a body that is too large.
    package init?(_ failure: HTTP1Failure) {
        switch failure.answer {
        case 400: self = .protocolError
        case 414, 431: self = .sectionTooLarge
        default: return nil
        }
    }
}
