internal import Synchronization

/// Epoch-based reclamation: says when memory that was unlinked from a shared structure can be used again, because every
/// thread that might still have an address of it has ended the tick in which it read that.
///
///     participant    enter ──── reads shared structures ──── leave        once a tick
///     epoch          e ──every participant inside entered at e──▶ e + 1
///
/// What was unlinked in epoch e is out of reach from epoch e + 2 on: a participant that could have seen it was inside, in
/// e or before, and as long as it is inside the epoch comes to e + 1 and no further. A participant outside, such as a worker
/// that waits in epoll, holds nothing up. (Fraser, "Practical lock-freedom", section 5.2.3.)
package final class EpochDomain: Sendable {
    /// One thread's presence.
    package final class Participant: Sendable {
        /// The epoch in which it entered; zero while it is outside.
        fileprivate let entered = Atomic<UInt64>(0)
        /// The participant that had joined before it.
        fileprivate let previous: Unmanaged<Participant>?
        private let domain: Unmanaged<EpochDomain>

        fileprivate init(_ domain: Unmanaged<EpochDomain>, after previous: Unmanaged<Participant>?) {
            self.domain = domain
            self.previous = previous
        }

        /// From here on, addresses read from shared structures stay valid.
        package func enter() {
            let epoch = domain._withUnsafeGuaranteedRef { $0.current.load(ordering: .acquiring) }
            entered.store(epoch, ordering: .relaxed)
            // Before anything shared is read: either `tryAdvance` sees this participant, or it sees what was unlinked.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
        }

        /// No address read since `enter` is used any more.
        package func leave() { entered.store(0, ordering: .releasing) }
    }

    private let current = Atomic<UInt64>(1)
    /// The participant that joined last. Participants stay: there are as many as threads.
    private let last = Atomic<Unmanaged<Participant>?>(nil)

    package init() {}

    deinit {
        var next = last.load(ordering: .acquiring)
        while let participant = next {
            next = participant.takeUnretainedValue().previous
            participant.release()
        }
    }

    /// One more participant, outside. The domain keeps it, and must outlive its use.
    package func join() -> Participant {
        while true {
            let previous = last.load(ordering: .acquiring)
            let participant = Unmanaged.passRetained(Participant(.passUnretained(self), after: previous))
            let stored = last.compareExchange(expected: previous, desired: participant, ordering: .acquiringAndReleasing)
            if stored.exchanged { return participant.takeUnretainedValue() }
            participant.release()
        }
    }

    /// As of now.
    package var epoch: UInt64 { current.load(ordering: .acquiring) }

    /// The epoch that something is retired in; to be asked after it was unlinked, by a participant that is inside.
    package func epochAfterUnlinking() -> UInt64 {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return current.load(ordering: .acquiring)
    }

    /// Ends epoch `old` if every participant inside has entered in it. Never waits.
    @discardableResult
    package func tryAdvance(from old: UInt64) -> Bool {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        var next = last.load(ordering: .acquiring)
        while let participant = next {
            let (entered, previous) = participant._withUnsafeGuaranteedRef { ($0.entered.load(ordering: .acquiring), $0.previous) }
            guard entered == 0 || entered == old else { return false }
            next = previous
        }
        return current.compareExchange(expected: old, desired: old + 1, ordering: .acquiringAndReleasing).exchanged
    }
}
