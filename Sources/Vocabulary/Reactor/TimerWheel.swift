package import Time

/// One timer: memory its owner keeps, linked into the wheel while it is armed.
///
/// Lives in the owner's record and must not move or end while armed.
package struct TimerNode {
    fileprivate var next: UnsafeMutablePointer<TimerNode>?
    fileprivate var previous: UnsafeMutablePointer<TimerNode>?
    /// In wheel ticks; meaningful only while armed.
    fileprivate var due: UInt64 = 0
    /// The slot it is linked in, or -1.
    fileprivate var slot: Int32 = -1
    /// Called once when the timer fires; the node is disarmed by then and may be armed again.
    private let action: (UnsafeMutableRawPointer?) -> Void
    private let context: UnsafeMutableRawPointer?

    package init(context: UnsafeMutableRawPointer?, action: @escaping (UnsafeMutableRawPointer?) -> Void) {
        self.context = context
        self.action = action
    }

    package var isArmed: Bool { slot >= 0 }

    fileprivate func fire() { action(context) }
}

/// A timer that a record has for good: memory of its own, at a fixed address, until it is given back.
package struct RecordTimer {
    fileprivate let node: UnsafeMutablePointer<TimerNode>

    /// - Parameters:
    ///   - record: what `action` is called with; lives as long as the timer.
    ///   - action: called once when the timer fires.
    package init(of record: UnsafeMutableRawPointer, action: @escaping (UnsafeMutableRawPointer) -> Void) {
        node = .allocate(capacity: 1)
        node.initialize(to: TimerNode(context: record) { action($0!) })
    }

    /// It is not armed.
    package func deallocate() {
        node.deinitialize(count: 1)
        node.deallocate()
    }

    package var isArmed: Bool { node.pointee.isArmed }
}

/// Timers in order of their time: arming and disarming are O(1), whatever their number.
///
///     level 0   64 slots of 1 ms        a timer is filed by the highest digit (base 64) in which
///     level 1   64 slots of 64 ms       its time differs from now, and moves down a level each
///     …                                 time the wheel reaches its slot
///     level 5   64 slots of 12.4 days
///
/// A timer never fires early; it fires up to one millisecond late. Pure: time is handed in. (Varghese and Lauck, scheme 6.)
package final class TimerWheel {
    package static let tickNanoseconds: UInt64 = 1_000_000
    private static let levels = 6
    private static let longestTicks: UInt64 = (1 << 36) - 1

    private var slots: [UnsafeMutablePointer<TimerNode>?]
    /// One bit a slot that holds a timer, by level.
    private var occupied: [UInt64]
    /// The tick up to which everything has fired.
    private var current: UInt64
    package private(set) var armedCount = 0

    package init(now: Instant) {
        slots = Array(repeating: nil, count: Self.levels * 64)
        occupied = Array(repeating: 0, count: Self.levels)
        current = now.nanoseconds / Self.tickNanoseconds
    }

    /// Arms `node`, or moves it if it is armed. An instant beyond 2.1 years counts as that far.
    package func arm(_ node: UnsafeMutablePointer<TimerNode>, at instant: Instant) {
        if node.pointee.slot >= 0 { unlink(node) }
        let (rounded, overflow) = instant.nanoseconds.addingReportingOverflow(Self.tickNanoseconds - 1)
        let wanted = (overflow ? UInt64.max : rounded) / Self.tickNanoseconds
        node.pointee.due = min(max(wanted, current + 1), current + Self.longestTicks)
        link(node)
    }

    package func disarm(_ node: UnsafeMutablePointer<TimerNode>) {
        if node.pointee.slot >= 0 { unlink(node) }
    }

    package func arm(_ timer: RecordTimer, at instant: Instant) { arm(timer.node, at: instant) }

    package func disarm(_ timer: RecordTimer) { disarm(timer.node) }

    /// The earliest instant at which `fire` may have work, or `nil` where nothing is armed. May be early, never late.
    package func nextInstant() -> Instant? {
        guard armedCount > 0 else { return nil }
        for level in 0..<Self.levels where occupied[level] != 0 {
            let shift = UInt64(level * 6)
            let position = (current >> shift) & 63
            // Slots behind the position belong to this turn of the level; at or before it, none are left, except at the
            // highest level, where they belong to the next turn.
            let ahead = position == 63 ? 0 : occupied[level] & (~0 << (position + 1))
            let isNextTurn = ahead == 0
            guard !isNextTurn || level == Self.levels - 1 else { continue }
            let slot = UInt64((isNextTurn ? occupied[level] : ahead).trailingZeroBitCount)
            let turn = (current >> (shift + 6)) + (isNextTurn ? 1 : 0)
            return Instant(nanoseconds: ((turn << (shift + 6)) + (slot << shift)) * Self.tickNanoseconds)
        }
        return Instant(nanoseconds: (current + 1) * Self.tickNanoseconds)
    }

    /// Fires everything due at `now`, in order of time to the millisecond.
    package func fire(now: Instant) {
        let target = now.nanoseconds / Self.tickNanoseconds
        while current < target {
            guard armedCount > 0, let next = nextInstant() else { current = target; return }
            let tick = next.nanoseconds / Self.tickNanoseconds
            if tick > target { current = target; return }
            current = max(tick, current)
            cascade()
            fireSlot(Int(current & 63))
        }
    }

    /// Moves down what the higher levels hold for the digit that `current` has just reached.
    private func cascade() {
        var level = 1
        while level < Self.levels {
            let shift = UInt64(level * 6)
            guard current & ((1 << shift) - 1) == 0 else { return }
            let slot = level * 64 + Int((current >> shift) & 63)
            while let node = slots[slot] {
                unlink(node)
                link(node)
            }
            level += 1
        }
    }

    private func fireSlot(_ slot: Int) {
        while let node = slots[slot] {
            unlink(node)
            node.pointee.fire()
        }
    }

    private func link(_ node: UnsafeMutablePointer<TimerNode>) {
        let differing = node.pointee.due ^ current
        let level = differing == 0 ? 0 : min(Self.levels - 1, (63 - differing.leadingZeroBitCount) / 6)
        let digit = Int((node.pointee.due >> UInt64(level * 6)) & 63)
        let slot = level * 64 + digit
        node.pointee.slot = Int32(slot)
        node.pointee.previous = nil
        node.pointee.next = slots[slot]
        slots[slot]?.pointee.previous = node
        slots[slot] = node
        occupied[level] |= 1 << UInt64(digit)
        armedCount += 1
    }

    private func unlink(_ node: UnsafeMutablePointer<TimerNode>) {
        let slot = Int(node.pointee.slot)
        if let previous = node.pointee.previous {
            previous.pointee.next = node.pointee.next
        } else {
            slots[slot] = node.pointee.next
            if slots[slot] == nil { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
        }
        node.pointee.next?.pointee.previous = node.pointee.previous
        node.pointee.next = nil
        node.pointee.previous = nil
        node.pointee.slot = -1
        armedCount -= 1
    }
}
