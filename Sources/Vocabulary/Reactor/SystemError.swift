internal import Glibc

/// A system call that failed, with its errno.
package struct SystemError: Error, CustomStringConvertible, Equatable {
    package let call: String
    package let code: Int32

    /// Reads the calling thread's errno.
    package init(_ call: StaticString) {
        self.call = "\(call)"
        code = ErrorNumber.last
    }

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(call): \(ErrorNumber.text(code))" }
}

/// The results of a non-blocking read, write or accept besides a count.
package enum IOResult: Equatable {
    case done(Int)
    /// EAGAIN: the readiness will be reported again.
    case wouldBlock
    /// The peer ended its side (a read of zero bytes).
    case ended
    case failed(Int32)
}

/// System calls on descriptors, with EINTR retried and errno turned into a value.
package enum System {
    package static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { return .done(count) }
            if count == 0 { return .ended }
            if let outcome = interpret() { return outcome }
        }
    }

    package static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> IOResult {
        while true {
            // A write to a closed peer must be an error, not a signal.
            let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .done(count) }
            if let outcome = interpret() { return outcome }
        }
    }

    /// `nil` means: interrupted, try again.
    package static func interpret() -> IOResult? {
        let code = ErrorNumber.last
        switch code {
        case EINTR: return nil
        case EAGAIN: return .wouldBlock
        default: return .failed(code)
        }
    }
}
