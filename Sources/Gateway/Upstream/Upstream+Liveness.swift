internal import Bytes
internal import HTTPModel
internal import Time
internal import Transport

/// What unresponsive upstream connections mean to the calls on them; `ConnectionLiveness` decides which ones are.
extension Upstream {
    /// Long enough for a healthy upstream to have said something: all the time that the call or the attempt had, half of it
    /// where the caller gives up earlier, or a second.
    func waitedLong(_ attempt: AttemptPointer, _ stream: StreamPointer) -> Bool {
        let exchange = attempt.pointee.exchange!
        let now = now
        if now >= exchange.pointee.deadline || now >= attempt.pointee.due { return true }
        let waited = now.nanoseconds(since: Instant(nanoseconds: stream.pointee.began))
        if waited >= Self.longWaitNanoseconds { return true }
        guard exchange.pointee.deadline != .distantFuture else { return false }
        return waited >= exchange.pointee.deadline.nanoseconds(since: exchange.pointee.began) / 2
    }

    private static let longWaitNanoseconds: UInt64 = 1_000_000_000

    /// The stream's connection was closed because its peer did not respond.
    func isUnresponsive(_ stream: StreamPointer) -> Bool {
        stream.connection { unsafeDowncast($0, to: ClientConnection.self).isUnresponsive }
    }
}
