internal import CLinux
internal import Glibc
package import Time

/// What a descriptor is watched for, and what was seen on it.
@usableFromInline package struct Readiness: OptionSet, Sendable {
    @usableFromInline package let rawValue: UInt32
    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }
    @inlinable package static var readable: Readiness { Readiness(rawValue: 0x001) }
    @inlinable package static var writable: Readiness { Readiness(rawValue: 0x004) }
    /// Error or hang-up: reported whether watched for or not; a read or write says which.
    @inlinable package static var broken: Readiness { Readiness(rawValue: 0x018) }
    /// Worth a read.
    @inlinable package static var readableOrBroken: Readiness { Readiness(rawValue: 0x019) }
}

/// Owns a descriptor registered with a loop.
package protocol EventHandler: AnyObject {
    func ready(_ events: Readiness)
}

/// Has output to write before the loop waits again.
package protocol Flushable: AnyObject {
    func flush()
}

/// One thread's loop: a tick is poll, read what is ready, timers, tasks, then flush whatever has output.
///
/// Level-triggered epoll. The clock is read once a tick. Owned by the thread that runs it; only its mailbox is for others.
package final class EventLoop {
    package let timers: TimerWheel
    package let mailbox: Mailbox
    /// As of this tick.
    package private(set) var now: Instant
    /// As of this tick.
    package private(set) var wall: WallTime

    private let clock: Clock
    private let poller: Int32
    private var events: UnsafeMutablePointer<linux_event>
    private static let eventCapacity = 256
    private var registrations: [Slot] = []
    private var freeSlots: [UInt32] = []
    private var dirty: [any Flushable] = []
    private var afterTick: [() -> Void] = []
    private var retired: [AnyObject] = []
    private var released: [AnyObject] = []
    /// `run` is to return.
    package private(set) var isStopped = false
    /// Inside during every tick, outside while the loop waits.
    private var participants: [Unmanaged<EpochDomain.Participant>] = []
    /// Kept for `participants`.
    private var domains: [EpochDomain] = []

    /// Where a loop's time comes from; tests move it by hand.
    package enum Clock {
        case system
        case manual(ManualClock)
    }

    private struct Slot {
        var handler: (any EventHandler)?
        /// Kills events of a descriptor that was closed, and perhaps reopened, earlier in the same tick.
        var generation: UInt32 = 0
    }

    /// A descriptor's place in the loop.
    package struct Registration: Equatable {
        fileprivate let slot: UInt32
        fileprivate let generation: UInt32
        fileprivate let descriptor: Int32
        fileprivate var key: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
    }

    package init(clock: Clock = .system) throws(SystemError) {
        self.clock = clock
        poller = linux_epoll_create()
        guard poller >= 0 else { throw SystemError("epoll_create1") }
        events = .allocate(capacity: Self.eventCapacity)
        (now, wall) = clock.read()
        timers = TimerWheel(now: now)
        mailbox = try Mailbox()
        // Slot 0 is the mailbox: it has no handler, and its generation never changes.
        registrations.append(Slot())
        guard linux_epoll_control(poller, LINUX_EPOLL_ADD, mailbox.descriptor, Readiness.readable.rawValue, 0) == 0 else {
            throw SystemError("epoll_ctl")
        }
    }

    deinit {
        mailbox.closeDown()
        events.deallocate()
        close(poller)
    }

    // MARK: Descriptors

    package func register(
        _ descriptor: Int32, for interest: Readiness, _ handler: any EventHandler
    ) throws(SystemError) -> Registration {
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(registrations.count)
            registrations.append(Slot())
        }
        registrations[Int(slot)].handler = handler
        let registration = Registration(
            slot: slot, generation: registrations[Int(slot)].generation, descriptor: descriptor)
        guard linux_epoll_control(poller, LINUX_EPOLL_ADD, descriptor, interest.rawValue, registration.key) == 0 else {
            let error = SystemError("epoll_ctl")
            release(slot)
            throw error
        }
        return registration
    }

    package func change(_ registration: Registration, to interest: Readiness) {
        // Fails only for a descriptor that is not registered: our own bug.
        let result = linux_epoll_control(
            poller, LINUX_EPOLL_MODIFY, registration.descriptor, interest.rawValue, registration.key)
        precondition(result == 0, "epoll_ctl on a descriptor that is not registered")
    }

    /// Before the descriptor is closed.
    package func deregister(_ registration: Registration) {
        guard registrations[Int(registration.slot)].generation == registration.generation else { return }
        _ = linux_epoll_control(poller, LINUX_EPOLL_REMOVE, registration.descriptor, 0, 0)
        release(registration.slot)
    }

    private func release(_ slot: UInt32) {
        registrations[Int(slot)].handler = nil
        registrations[Int(slot)].generation &+= 1
        freeSlots.append(slot)
    }

    // MARK: Work for this tick

    /// `flushable.flush()` will be called once before the loop waits. The caller keeps itself from asking twice.
    package func markDirty(_ flushable: any Flushable) { dirty.append(flushable) }

    /// Runs `action` when the tick's flushes are done: the tick's output has been written to its sockets.
    package func afterThisTick(_ action: @escaping () -> Void) { afterTick.append(action) }

    /// Keeps an object that has ended until the tick is over, because a call of it may be on the stack. The one place that extends
    /// a life: who lets go of what may have called it, or ends itself, says so here.
    package func retire(_ object: AnyObject) { retired.append(object) }

    /// From the next tick on this loop's thread may read what `domain` guards, within a tick.
    package func join(_ domain: EpochDomain) {
        domains.append(domain)
        participants.append(.passUnretained(domain.join()))
    }

    // MARK: Running

    package func run() {
        while !isStopped { tick(wait: true) }
        mailbox.closeDown()
    }

    /// Ends `run` after the present tick. On the loop's own thread.
    package func stop() { isStopped = true }

    /// One turn. Without `wait` it only takes what is ready.
    package func tick(wait: Bool) {
        let count = linux_epoll_wait(
            poller, events, Int32(Self.eventCapacity), wait ? timeoutMilliseconds() : 0)
        (now, wall) = clock.read()
        // By index, and to the same number: a domain that is joined in this tick is entered from the next on.
        let participantCount = participants.count
        var number = 0
        while number < participantCount {
            participants[number]._withUnsafeGuaranteedRef { $0.enter() }
            number += 1
        }
        defer {
            while number > 0 {
                number -= 1
                participants[number]._withUnsafeGuaranteedRef { $0.leave() }
            }
        }
        var hasTasks = false
        var index = 0
        // A negative count is EINTR: the tick goes on without events.
        while index < Int(count) {
            let event = events[index]
            index += 1
            if event.data == 0 { hasTasks = true; continue }
            let slot = Int(event.data & 0xffff_ffff)
            guard registrations[slot].generation == UInt32(event.data >> 32),
                let handler = registrations[slot].handler
            else { continue }
            handler.ready(Readiness(rawValue: event.events))
        }
        timers.fire(now: now)
        if hasTasks { for task in mailbox.take() { task(self) } }
        flushAndRelease()
    }

    /// The end of a tick: what goes with it may have more to send, and have others retire.
    private func flushAndRelease() {
        flushDirty()
        while !afterTick.isEmpty || !retired.isEmpty {
            while !afterTick.isEmpty {
                let actions = afterTick
                afterTick = []
                for action in actions { action() }
                flushDirty()
            }
            swap(&retired, &released)
            released.removeAll(keepingCapacity: true)
            flushDirty()
        }
    }

    /// A flush may make others dirty (a stream that ends frees its upstream): go on until none is.
    private func flushDirty() {
        var index = 0
        while index < dirty.count {
            let flushable = dirty[index]
            index += 1
            flushable.flush()
        }
        dirty.removeAll(keepingCapacity: true)
    }

    private func timeoutMilliseconds() -> Int32 {
        guard let next = timers.nextInstant() else { return -1 }
        let current = clock.read().0
        let remaining = next.nanoseconds(since: current)
        return Int32(min((remaining + 999_999) / 1_000_000, 60_000))
    }
}

/// A clock that only a test moves.
package final class ManualClock {
    package var instant: Instant
    package var wall: WallTime

    package init(
        instant: Instant = Instant(nanoseconds: 1_000_000_000_000),
        wall: WallTime = WallTime(seconds: 1_800_000_000)
    ) {
        self.instant = instant
        self.wall = wall
    }

    package func advance(by duration: Duration) {
        instant = instant + duration
        wall.nanoseconds += UInt64(max(0, duration.nanoseconds))
    }
}

extension EventLoop.Clock {
    fileprivate func read() -> (Instant, WallTime) {
        switch self {
        case .system: (Instant.now(), WallTime.now())
        case .manual(let clock): (clock.instant, clock.wall)
        }
    }
}
