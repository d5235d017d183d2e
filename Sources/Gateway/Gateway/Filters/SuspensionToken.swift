internal import Bytes
internal import Calls
internal import RateLimit

/// A call that a filter has suspended, for whoever will have the answer: a limit store, a timer, a service. Good for one resumption; one that
/// comes too late, or twice, finds no call.
struct SuspensionToken {
    private let call: Record<Call>
    private let generation: UInt32

    /// Suspends the call: no other token of it is good any more.
    init(suspending call: Record<Call>) {
        self.call = call
        call.generation &+= 1
        generation = call.generation
    }

    /// The two words that `context` and `tag` are.
    init(context: UnsafeMutableRawPointer, tag: UInt64) {
        call = Record(opaque: context)
        generation = UInt32(truncatingIfNeeded: tag)
    }

    var context: UnsafeMutableRawPointer { call.opaque }
    var tag: UInt64 { UInt64(generation) }

    /// The store has answered, and has no request of the call any more.
    func clear(_ request: Borrowed<LimitRequest>) { if call.limitRequest == request { call.limitRequest = nil } }

    /// The call, where it still waits.
    var waitingCall: Record<Call>? { call.generation == generation && call.machine.state == .suspended ? call : nil }
}
