package import Bytes
internal import Calls
internal import RateLimit
internal import Snapshots

/// Resumes a call that a filter has suspended, once an answer is there: a limit store's, a timer's, a service's. Valid for one resumption: a late
/// or a second one finds no call.
package struct SuspensionToken {
    private let call: Record<Call>
    private let generation: UInt32

    /// Suspends the call, and invalidates its other tokens.
    package init(suspending call: Record<Call>) {
        assert(!call.filtersLeft.contains(.converter), "a filter before the converter has suspended the call")
        self.call = call
        call.generation &+= 1
        generation = call.generation
    }

    /// From the two words that `context` and `tag` gave.
    package init(context: UnsafeMutableRawPointer, tag: UInt64) {
        call = Record(opaque: context)
        generation = UInt32(truncatingIfNeeded: tag)
    }

    package var context: UnsafeMutableRawPointer { call.opaque }
    package var tag: UInt64 { UInt64(generation) }

    /// The store has answered: it no longer has a request of this call.
    func clear(_ request: Borrowed<LimitRequest>) { if call.limitRequest == request { call.limitRequest = nil } }

    /// The call, if it still waits for this token.
    package var waitingCall: Record<Call>? { call.generation == generation && call.machine.state == .suspended ? call : nil }
}
