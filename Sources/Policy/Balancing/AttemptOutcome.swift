/// How an attempt ended, as far as it says something about the endpoint. The words are Envoy's, whose rules they feed.
package enum AttemptOutcome: UInt8, Sendable, CaseIterable {
    /// An answer that the endpoint is not to blame for, whatever it says.
    case success
    /// It says that it went wrong there (5xx).
    case failure
    /// It says, or a proxy before it, that it cannot answer (502, 503, 504).
    case gatewayFailure
    /// No answer: the connection failed or was lost, or time was up.
    case localFailure

    package var isFailure: Bool { self != .success }
}
