internal import Bytes
internal import Filters
internal import HTTPModel
internal import Time
internal import Transport

/// What unresponsive upstream connections mean to the calls on them; `ConnectionLiveness` decides which ones are.
extension Upstream {
    /// Long enough for a healthy upstream to have said something: all the time that the call or the attempt had, half of it
    /// where the caller gives up earlier, or a second.
    func waitedLong(_ call: Record<Call>, _ attempt: Record<Attempt>, _ stream: StreamPointer) -> Bool {
        let now = now
        if now >= call.deadline || now >= attempt.due { return true }
        let waited = now.nanoseconds(since: Instant(nanoseconds: stream.began))
        if waited >= Self.longWaitNanoseconds { return true }
        guard !call.deadline.isDistantFuture else { return false }
        return waited >= call.deadline.nanoseconds(since: call.began) / 2
    }

    private static let longWaitNanoseconds: UInt64 = 1_000_000_000

    /// The stream's connection was closed because its peer did not respond.
    func isUnresponsive(_ stream: StreamPointer) -> Bool {
        stream.connection { unsafeDowncast($0, to: ClientConnection.self).isUnresponsive }
    }
}
