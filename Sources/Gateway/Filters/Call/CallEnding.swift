package import GRPC
package import HTTPModel

/// Why a call ends, for its caller and the log.
package enum CallEnding {
    case refusal(RefusalCause, by: Call.RefusalSource? = nil)
    /// Its stream is reset, because the caller does not take what waits for it already.
    case reset(flag: StaticString, detail: StaticString)
    /// The caller's stream is over, and its answer was not complete.
    case closed(StreamClose)
}
