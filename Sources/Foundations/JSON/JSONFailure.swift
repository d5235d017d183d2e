/// Why a text is no JSON for us, and at which byte.
package struct JSONFailure: Error, Hashable, Sendable {
    package enum Reason: String, Sendable {
        case tooLarge = "larger than the limit"
        case tooDeep = "nested deeper than the limit"
        case endsTooEarly = "ends too early"
        case unexpectedByte = "unexpected byte"
        case badNumber = "malformed number"
        case badEscape = "malformed escape"
        case loneSurrogate = "surrogate without its other half"
        case controlCharacter = "control character in a string"
        case notUTF8 = "invalid UTF-8"
        case duplicateMember = "member given twice"
        case trailingBytes = "bytes after the value"
    }

    package let reason: Reason
    /// The byte, counted from zero, where reading stopped.
    package let offset: Int

    package init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

/// What a reader accepts at most.
package struct JSONLimits: Sendable {
    package var bytesMax: Int
    /// Arrays and objects inside each other; a bare array has depth 1.
    package var depthMax: Int

    package init(bytesMax: Int, depthMax: Int) {
        // Offsets are kept in 32 bits, and the reader recurses once a level.
        precondition(bytesMax >= 0 && bytesMax <= 1 << 30 && depthMax >= 0 && depthMax <= 512)
        self.bytesMax = bytesMax
        self.depthMax = depthMax
    }

    package static let defaults = JSONLimits(bytesMax: 1 << 20, depthMax: 64)
}
