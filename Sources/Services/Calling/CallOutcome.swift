package import GRPC

/// How `martlet call` ends, for scripts.
package enum CallOutcome: Equatable, Sendable {
    case ok
    /// Nothing was called, or not to its end: a mistake in what was asked, in its JSON, or in the schema.
    case mistake
    /// No connection.
    case unreachable
    /// The call ended with this status, which is not OK: 64 and its code. 64 itself is what a command line that cannot be read gives.
    case status(StatusCode)

    package var number: Int32 {
        switch self {
        case .ok: 0
        case .mistake: 1
        case .unreachable: 2
        case .status(let code): 64 + Int32(code.rawValue)
        }
    }
}

/// What a call tells its user.
package struct Console {
    /// Answers.
    package var answer: (UnsafeRawBufferPointer) -> Void
    /// A line about the call.
    package var say: (String) -> Void

    package init(answer: @escaping (UnsafeRawBufferPointer) -> Void, say: @escaping (String) -> Void) {
        self.answer = answer
        self.say = say
    }
}
