/// HTTP/2 error codes (RFC 9113, section 7): those that we name; others come and go as numbers.
@usableFromInline package struct ErrorCode: RawRepresentable, Equatable, Sendable {
    @usableFromInline package let rawValue: UInt32
    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = ErrorCode(rawValue: 0)
    package static let protocolError = ErrorCode(rawValue: 1)
    package static let internalError = ErrorCode(rawValue: 2)
    package static let refusedStream = ErrorCode(rawValue: 7)
    package static let cancel = ErrorCode(rawValue: 8)
    package static let compressionError = ErrorCode(rawValue: 9)
    package static let enhanceYourCalm = ErrorCode(rawValue: 11)
}
