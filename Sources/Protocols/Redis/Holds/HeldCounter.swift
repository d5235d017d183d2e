internal import Time

/// A counter in Redis of which this worker's calls hold some.
package final class HeldCounter {
    /// Under which its worker finds it: no two counters have the same.
    package struct Identity: Hashable {
        private let low: UInt64
        private let high: UInt64

        package init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }
    }

    let identity: Identity
    let key: [UInt8]
    let slot: ClusterSlot
    /// How many Redis has for us, as far as it has answered, less what has been released.
    var held: UInt64 = 0
    /// All that were ever charged.
    var charged: UInt64 = 0
    /// Calls that ask for it, and commands that have no answer.
    var waiting = 0
    var unanswered = 0
    /// Redis may have more for us.
    var isInDoubt = false
    /// It is being asked how many it has.
    var isLooking = false
    /// What was found too many, once.
    var surplus: UInt64 = 0
    var refreshed: Instant

    init(_ identity: Identity, key: [UInt8], refreshed: Instant) {
        self.identity = identity
        self.key = key
        slot = key.withUnsafeBytes { ClusterSlot(of: $0) }
        self.refreshed = refreshed
    }

    /// A counter in a command, and what was known of it when it was sent.
    struct Part {
        let counter: HeldCounter
        let take: UInt64
        let held: UInt64
        let charged: UInt64

        init(_ counter: HeldCounter, take: UInt64) {
            self.counter = counter
            self.take = take
            held = counter.held
            charged = counter.charged
        }
    }

    final class Question {
        let parts: [Part]
        let isLooking: Bool

        init(_ parts: [Part], isLooking: Bool) {
            self.parts = parts
            self.isLooking = isLooking
        }
    }
}
